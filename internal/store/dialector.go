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
	"gorm.io/gorm/schema"
)

// sqliteDialector is what GORM needs to know of SQLite: how to quote, bind and
// limit. GORM's own one would link a second SQLite, written in C (ADR 27).
type sqliteDialector struct {
	silent
	conn *sql.DB
}

// Name is the name that GORM knows SQLite by.
func (sqliteDialector) Name() string { return "sqlite" }

// Initialize registers GORM's callbacks and SQLite's form of LIMIT.
func (d sqliteDialector) Initialize(db *gorm.DB) error {
	if d.conn == nil {
		return errors.New("store: no database")
	}
	db.ConnPool = d.conn
	callbacks.RegisterDefaultCallbacks(db, &callbacks.Config{
		CreateClauses:        []string{"INSERT", "VALUES", "ON CONFLICT", "RETURNING"},
		UpdateClauses:        []string{"UPDATE", "SET", "FROM", "WHERE", "RETURNING"},
		DeleteClauses:        []string{"DELETE", "FROM", "WHERE", "RETURNING"},
		LastInsertIDReversed: true,
	})
	db.ClauseBuilders["LIMIT"] = limitBySQLite
	return nil
}

// limitBySQLite writes the limit into the statement, as a number and not as a
// parameter: SQLite's planner only heeds a limit that it can read. SQLite knows
// no OFFSET without a LIMIT; a negative one is no limit.
func limitBySQLite(c clause.Clause, b clause.Builder) {
	limit, ok := c.Expression.(clause.Limit)
	if !ok {
		return
	}
	most := -1
	if limit.Limit != nil && *limit.Limit >= 0 {
		most = *limit.Limit
	}
	if most < 0 && limit.Offset <= 0 {
		return
	}
	_, _ = b.WriteString("LIMIT " + strconv.Itoa(most)) // a Statement's writer does not fail
	if limit.Offset > 0 {
		_, _ = b.WriteString(" OFFSET " + strconv.Itoa(limit.Offset))
	}
}

// BindVarTo writes the mark of a parameter.
func (sqliteDialector) BindVarTo(w clause.Writer, _ *gorm.Statement, _ any) { _ = w.WriteByte('?') }

// QuoteTo quotes a name, each part of it if it has dots. Backticks, because
// SQLite takes an unknown name in double quotes for a text.
func (sqliteDialector) QuoteTo(w clause.Writer, name string) { quoteTo(w, name, "`") }

// quoteTo writes a name in quotation marks, each part of it if it has dots.
func quoteTo(w clause.Writer, name, mark string) {
	for i, part := range strings.Split(name, ".") {
		if i > 0 {
			_ = w.WriteByte('.')
		}
		_, _ = w.WriteString(mark + strings.ReplaceAll(part, mark, mark+mark) + mark)
	}
}

// silent is what our dialectors have in common: GORM gets nothing to log from them.
type silent struct{}

// Explain returns the statement as it is. Its values may be of a patient and must
// never get into a log.
func (silent) Explain(statement string, _ ...any) string { return statement }

// DefaultValueOf is the value of a column that a row leaves to the database.
func (silent) DefaultValueOf(*schema.Field) clause.Expression {
	return clause.Expr{SQL: "NULL"}
}

// DataTypeOf only serves GORM's migrations, which nobody uses: the schema is
// written in SQL (package migrations).
func (silent) DataTypeOf(f *schema.Field) string { return string(f.DataType) }

// Migrator returns GORM's view of the schema, of which only GetTables is used.
func (d sqliteDialector) Migrator(db *gorm.DB) gorm.Migrator {
	return listedTables{migrator.Migrator{Config: migrator.Config{DB: db, Dialector: d}},
		"SELECT name FROM sqlite_master WHERE type = 'table'"}
}

type listedTables struct {
	migrator.Migrator
	query string
}

// GetTables returns the names of all tables.
func (m listedTables) GetTables() (names []string, err error) {
	err = m.DB.Raw(m.query).Scan(&names).Error
	return names, err
}

// Translate maps modernc's error codes to GORM's errors.
func (sqliteDialector) Translate(err error) error {
	if (sqliteDialect{}).duplicate(err) {
		return gorm.ErrDuplicatedKey
	}
	return err
}
