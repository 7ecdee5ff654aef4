// Package store keeps everything that Sluis keeps, in SQLite or SQL Server,
// through GORM and SQL. It implements the small interfaces of the packages that
// need it, with a transaction a method, the access-log event among it.
//
// Row structs are unexported; what differs between the databases stands in
// dialect.go, sqlite.go, sqlserver.go and the migrations, and nowhere else. No
// error that leaves this package holds a value: a driver's text is replaced by
// its number.
package store
