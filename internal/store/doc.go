// Package store keeps all data of Sluis, in SQLite, PostgreSQL or SQL Server, through
// GORM and SQL. It implements the small interfaces of the packages that need it. Each method
// is one transaction, and its access-log event is part of that.
//
// The types of rows are unexported. Everything that differs between the databases is
// in dialect.go, sqlite.go, postgres.go, sqlserver.go and the migrations. No error that leaves this
// package contains a value: a driver's text is replaced by its number.
//
// Three tables have older names than the code: reviews and review_rows are conflicts
// and the rows that wait for them, legacy_keys are the keys of the old table.
package store
