package oldtable

import (
	"fmt"
	"strings"

	"sluis/internal/conversion"
)

// Script is the T-SQL with which a database administrator erases the identifying
// columns of a SQL Server table. Sluis does not run it: it needs rights that Sluis
// should not have, and its last steps are about files and backups.
func Script(m conversion.Mapping) (string, error) {
	if m.Table == "" {
		return "", fmt.Errorf("a query cannot be erased: the mapping must name a table")
	}
	d := sqlserverDialect{}
	table := d.table(m.Table)
	name := "N'" + strings.ReplaceAll(table, "'", "''") + "'"
	var filled, set, drops []string
	for _, c := range m.Erased() {
		q := d.quote(c)
		filled = append(filled, q+" IS NOT NULL AND "+q+" <> N''")
		set = append(set, q+" = N''")
		drops = append(
			drops,
			fmt.Sprintf(
				"IF COL_LENGTH(%s, N'%s') IS NOT NULL\n    ALTER TABLE %s DROP COLUMN %s;\nGO",
				name,
				strings.ReplaceAll(c, "'", "''"),
				table,
				q,
			),
		)
	}
	var b strings.Builder
	step := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	step("-- Sluis: erases the identifying columns of %s in place.", table)
	step("-- Run it in SQL Server Management Studio or sqlcmd, step by step, as a member of db_owner, after the approvals on the console.")
	step("-- Every step may be run again. It was NOT run by Sluis, and not tried on your server: rehearse it on a copy.")
	step(
		"-- It cannot reach: backups and log backups made before it; snapshots; replicas and subscribers; files that the storage " +
			"keeps; tempdb.",
	)
	step(
		"-- Better than all of this: let the registry go on with a new database, and destroy the old one with its backups " +
			"(docs/conversion.md).",
	)
	step("\n-- 1. Nothing may copy what is overwritten. Each of these must come back empty; else stop here.")
	step("SELECT name AS [trigger] FROM sys.triggers WHERE parent_id = OBJECT_ID(%s);", name)
	step("SELECT name, temporal_type_desc FROM sys.tables WHERE object_id = OBJECT_ID(%s) AND temporal_type <> 0;", name)
	step("SELECT name FROM sys.tables WHERE object_id = OBJECT_ID(%s) AND (is_tracked_by_cdc = 1 OR is_replicated = 1);", name)
	step("SELECT OBJECT_NAME(object_id) AS [tracked] FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(%s);", name)
	step("SELECT name AS [snapshot] FROM sys.databases WHERE source_database_id = DB_ID();")
	step("GO")
	step("\n-- 2. Overwrite, ten thousand rows at a time. A column that may not be empty text needs another value here.")
	step("SET NOCOUNT ON;\nDECLARE @n int = 1;\nWHILE @n > 0\nBEGIN")
	step("    UPDATE TOP (10000) %s\n    SET %s\n    WHERE (%s);", table, strings.Join(set, ", "), strings.Join(filled, ")\n       OR ("))
	step("    SET @n = @@ROWCOUNT;\nEND;\nGO")
	step(
		"\n-- 3. What depends on the columns, such as indexes, defaults, statistics and views, is listed here: drop it by hand " +
			"before the next step.",
	)
	in := make([]string, len(m.Erased()))
	for i, c := range m.Erased() {
		in[i] = "N'" + strings.ReplaceAll(c, "'", "''") + "'"
	}
	list := strings.Join(in, ", ")
	step(
		"SELECT i.name AS [index], c.name AS [column] FROM sys.index_columns x JOIN sys.indexes i ON i.object_id = x.object_id AND i.index_id = x.index_id",
	)
	step(
		"    JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id WHERE x.object_id = OBJECT_ID(%s) AND "+
			"c.name IN (%s);",
		name,
		list,
	)
	step(
		"SELECT d.name AS [default], c.name AS [column] FROM sys.default_constraints d JOIN sys.columns c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id",
	)
	step("    WHERE d.parent_object_id = OBJECT_ID(%s) AND c.name IN (%s);", name, list)
	step(
		"SELECT s.name AS [statistics], c.name AS [column] FROM sys.stats s JOIN sys.stats_columns k ON k.object_id = s.object_id AND k.stats_id = s.stats_id",
	)
	step(
		"    JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id WHERE s.object_id = OBJECT_ID(%s) AND "+
			"c.name IN (%s);",
		name,
		list,
	)
	step("SELECT OBJECT_NAME(referencing_id) AS [needs it] FROM sys.sql_expression_dependencies WHERE referenced_id = OBJECT_ID(%s);", name)
	step("GO")
	step("\n-- 4. Drop. A dropped column is only marked: its bytes stay until the table is rebuilt.")
	step("%s", strings.Join(drops, "\n"))
	step("\n-- 5. Rebuild the table with all of its indexes into new pages.")
	step("ALTER INDEX ALL ON %s REBUILD;\nALTER TABLE %s REBUILD;\nGO", table, table)
	step("\n-- 6. Overwrite the freed pages and ghost records of the data files. This takes a while.")
	step("EXEC sp_clean_db_free_space @dbname = N'<the database>';\nGO")
	step(
		"\n-- 7. The log holds what the pages held before. Under the full recovery model: back the log up, shrink it, and destroy " +
			"that backup under the dated plan.",
	)
	step("CHECKPOINT;\n-- BACKUP LOG [<the database>] TO DISK = N'<a file that is destroyed>';")
	step("-- DBCC SHRINKFILE (N'<the log file>', 1);\nGO")
	step(
		"\n-- 8. Make a fresh full backup, and destroy every older one, with its copies elsewhere, under a dated plan (checklist " +
			"in docs/conversion.md).",
	)
	step("-- Then run `web existing erase` once more: it sees that the columns are gone, and records it.")
	return b.String(), nil
}
