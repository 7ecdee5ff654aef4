// Package migrations holds the schema of each database, as SQL files with the
// same numbers in all folders. Migrations only go up: a database with a newer
// schema than the program's is refused, and never taken back.
package migrations

import "embed"

// Files has one folder for each kind of database: sqlite, postgres and sqlserver.
//
//go:embed sqlite/*.sql postgres/*.sql sqlserver/*.sql
var Files embed.FS
