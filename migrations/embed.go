// Package migrations holds the schema of each database, as SQL files with the
// same numbers in both folders. Up only: a newer schema is refused, never undone.
package migrations

import "embed"

// Files has one folder a database: sqlite and sqlserver.
//
//go:embed sqlite/*.sql sqlserver/*.sql
var Files embed.FS
