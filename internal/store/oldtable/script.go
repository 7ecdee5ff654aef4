package oldtable

import (
	"fmt"
	"strings"

	"sluis/internal/conversion"
)

// Script returns the T-SQL with which a database administrator erases the identifying
// columns of a SQL Server table. Sluis does not run it: it needs rights that Sluis
// should not have, and its last steps are about files and backups.
func Script(m conversion.Mapping) (string, error) {
	if m.Table == "" {
		return "", fmt.Errorf("a query cannot be erased: the mapping must name a table")
	}
	d := sqlserverDialect{}
	s := script{table: d.table(m.Table)}
	s.name = literal(s.table)
	for _, c := range m.Erased() {
		s.columns = append(s.columns, erasedColumn{d.quote(c), literal(c)})
	}
	s.head()
	s.checks()
	s.overwrite()
	s.dependents()
	s.drop()
	s.files()
	return s.text.String(), nil
}

// script builds the T-SQL of one table.
type script struct {
	text    strings.Builder
	table   string // quoted
	name    string // as a literal
	columns []erasedColumn
}

// erasedColumn is the name of a column that is erased: quoted, and as a literal.
type erasedColumn struct{ quoted, name string }

// literal returns s as a T-SQL string literal.
func literal(s string) string { return "N'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (s *script) add(format string, args ...any) { fmt.Fprintf(&s.text, format+"\n", args...) }

// each calls form for every column, and joins the results.
func (s *script) each(separator string, form func(c erasedColumn) string) string {
	parts := make([]string, len(s.columns))
	for i, c := range s.columns {
		parts[i] = form(c)
	}
	return strings.Join(parts, separator)
}

func (s *script) head() {
	s.add("-- Sluis: erases the identifying columns of %s in place.", s.table)
	s.add("-- Run it in SQL Server Management Studio or sqlcmd, step by step, as a member of db_owner, after the approvals on the console.")
	s.add("-- Every step may be run again. It was NOT run by Sluis, and not tried on your server: rehearse it on a copy.")
	s.add("-- It cannot reach: backups and log backups made before it; snapshots; replicas and subscribers; files that the storage " +
		"keeps; tempdb.")
	s.add("-- Better than all of this: let the registry go on with a new database, and destroy the old one with its backups " +
		"(docs/conversion.md).")
}

// checks adds queries for everything that could keep a copy of overwritten values.
func (s *script) checks() {
	s.add("\n-- 1. Nothing may copy what is overwritten. Each of these must come back empty; else stop here.")
	s.add("SELECT name AS [trigger] FROM sys.triggers WHERE parent_id = OBJECT_ID(%s);", s.name)
	s.add("SELECT name, temporal_type_desc FROM sys.tables WHERE object_id = OBJECT_ID(%s) AND temporal_type <> 0;", s.name)
	s.add("SELECT name FROM sys.tables WHERE object_id = OBJECT_ID(%s) AND (is_tracked_by_cdc = 1 OR is_replicated = 1);", s.name)
	s.add("SELECT OBJECT_NAME(object_id) AS [tracked] FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(%s);", s.name)
	s.add("SELECT name AS [snapshot] FROM sys.databases WHERE source_database_id = DB_ID();")
	s.add("GO")
}

func (s *script) overwrite() {
	s.add("\n-- 2. Overwrite, ten thousand rows at a time. A column that may not be empty text needs another value here.")
	s.add("SET NOCOUNT ON;\nDECLARE @n int = 1;\nWHILE @n > 0\nBEGIN")
	s.add("    UPDATE TOP (10000) %s\n    SET %s\n    WHERE (%s);", s.table,
		s.each(", ", func(c erasedColumn) string { return c.quoted + " = N''" }),
		s.each(")\n       OR (", func(c erasedColumn) string { return c.quoted + " IS NOT NULL AND " + c.quoted + " <> N''" }))
	s.add("    SET @n = @@ROWCOUNT;\nEND;\nGO")
}

// dependents adds queries for everything that keeps a column from being dropped.
func (s *script) dependents() {
	s.add("\n-- 3. These are the indexes, defaults, statistics and views that depend on the columns: drop them by hand " +
		"before the next step.")
	list := s.each(", ", func(c erasedColumn) string { return c.name })
	s.add("SELECT i.name AS [index], c.name AS [column] FROM sys.index_columns x " +
		"JOIN sys.indexes i ON i.object_id = x.object_id AND i.index_id = x.index_id")
	s.add("    JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id WHERE x.object_id = OBJECT_ID(%s) AND "+
		"c.name IN (%s);", s.name, list)
	s.add("SELECT d.name AS [default], c.name AS [column] FROM sys.default_constraints d " +
		"JOIN sys.columns c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id")
	s.add("    WHERE d.parent_object_id = OBJECT_ID(%s) AND c.name IN (%s);", s.name, list)
	s.add("SELECT s.name AS [statistics], c.name AS [column] FROM sys.stats s " +
		"JOIN sys.stats_columns k ON k.object_id = s.object_id AND k.stats_id = s.stats_id")
	s.add("    JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id WHERE s.object_id = OBJECT_ID(%s) AND "+
		"c.name IN (%s);", s.name, list)
	s.add("SELECT OBJECT_NAME(referencing_id) AS [needs it] FROM sys.sql_expression_dependencies WHERE referenced_id = OBJECT_ID(%s);",
		s.name)
	s.add("GO")
}

func (s *script) drop() {
	s.add("\n-- 4. Drop. A dropped column is only marked: its bytes stay until the table is rebuilt.")
	s.add("%s", s.each("\n", func(c erasedColumn) string {
		return fmt.Sprintf("IF COL_LENGTH(%s, %s) IS NOT NULL\n    ALTER TABLE %s DROP COLUMN %s;\nGO", s.name, c.name, s.table, c.quoted)
	}))
	s.add("\n-- 5. Rebuild the table with all of its indexes into new pages.")
	s.add("ALTER INDEX ALL ON %s REBUILD;\nALTER TABLE %s REBUILD;\nGO", s.table, s.table)
}

// files adds the steps for values outside the table: in free pages, the log and backups.
func (s *script) files() {
	s.add("\n-- 6. Overwrite the freed pages and ghost records of the data files. This takes a while.")
	s.add("EXEC sp_clean_db_free_space @dbname = N'<the database>';\nGO")
	s.add("\n-- 7. The log holds what the pages held before. Under the full recovery model: back the log up, shrink it, and destroy " +
		"that backup under the dated plan.")
	s.add("CHECKPOINT;\n-- BACKUP LOG [<the database>] TO DISK = N'<a file that is destroyed>';")
	s.add("-- DBCC SHRINKFILE (N'<the log file>', 1);\nGO")
	s.add("\n-- 8. Make a fresh full backup, and destroy every older one, with its copies elsewhere, under a dated plan (checklist " +
		"in docs/conversion.md).")
	s.add("-- Then run `web existing erase` once more: it sees that the columns are gone, and records it.")
}
