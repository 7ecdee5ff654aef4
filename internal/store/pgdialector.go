package store

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/migrator"
)

// postgresDialector is what GORM needs to know of PostgreSQL: how to quote, bind and
// limit (ADR 34).
type postgresDialector struct {
	silent
	conn *sql.DB
}

// Name is the name that GORM knows PostgreSQL by.
func (postgresDialector) Name() string { return "postgres" }

// Initialize registers GORM's callbacks and PostgreSQL's form of LIMIT.
func (d postgresDialector) Initialize(db *gorm.DB) error {
	if d.conn == nil {
		return errors.New("store: no database")
	}
	db.ConnPool = d.conn
	callbacks.RegisterDefaultCallbacks(db, &callbacks.Config{
		CreateClauses: []string{"INSERT", "VALUES", "ON CONFLICT", "RETURNING"},
		UpdateClauses: []string{"UPDATE", "SET", "FROM", "WHERE", "RETURNING"},
		DeleteClauses: []string{"DELETE", "FROM", "WHERE", "RETURNING"},
	})
	db.ClauseBuilders["LIMIT"] = limitByPostgres
	return nil
}

// limitByPostgres writes the limit into the statement, as a number and not as a
// parameter: a plan for any limit is one for a tenth of the table.
func limitByPostgres(c clause.Clause, b clause.Builder) {
	limit, ok := c.Expression.(clause.Limit)
	if !ok {
		return
	}
	text := ""
	if limit.Limit != nil && *limit.Limit >= 0 {
		text = "LIMIT " + strconv.Itoa(*limit.Limit)
	}
	if limit.Offset > 0 {
		text += " OFFSET " + strconv.Itoa(limit.Offset)
	}
	_, _ = b.WriteString(strings.TrimSpace(text)) // a Statement's writer does not fail
}

// BindVarTo writes the mark of the parameter that was added last, and makes its text
// readable.
func (postgresDialector) BindVarTo(w clause.Writer, stmt *gorm.Statement, _ any) {
	if last := len(stmt.Vars) - 1; last >= 0 {
		if s, ok := stmt.Vars[last].(string); ok {
			stmt.Vars[last] = readable(s)
		}
	}
	_, _ = w.WriteString("$" + strconv.Itoa(len(stmt.Vars)))
}

// QuoteTo quotes a name, each part of it if it has dots.
func (postgresDialector) QuoteTo(w clause.Writer, name string) { quoteTo(w, name, `"`) }

// Migrator returns GORM's view of the schema, of which only GetTables is used.
func (d postgresDialector) Migrator(db *gorm.DB) gorm.Migrator {
	return listedTables{migrator.Migrator{Config: migrator.Config{DB: db, Dialector: d}},
		"SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"}
}

// Translate maps PostgreSQL's error codes to GORM's errors.
func (postgresDialector) Translate(err error) error {
	if (&postgresDialect{}).duplicate(err) {
		return gorm.ErrDuplicatedKey
	}
	return err
}
