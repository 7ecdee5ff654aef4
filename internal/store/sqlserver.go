package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/pressly/goose/v3"
	"gorm.io/driver/sqlserver"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// sqlserverDialect is for production. Several processes may share one server.
type sqlserverDialect struct{}

// OpenSQLServer opens the database at dsn and migrates it to the newest schema.
// READ_COMMITTED_SNAPSHOT should be on (docs/operations.md).
func OpenSQLServer(ctx context.Context, dsn string, o Options) (*Store, error) {
	db, err := sql.Open("sqlserver", dsn)
	if err != nil {
		return nil, errors.New("open SQL Server: the connection string is not valid") // its error may quote the password
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // a new connection costs about 0.2 s
	// Connections do not live for ever, so that a failover to another server is followed.
	db.SetConnMaxLifetime(30 * time.Minute)
	s, err := open(ctx, sqlserverDialect{}, db, sqlServerDialector{sqlserver.New(sqlserver.Config{Conn: db})}, o)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	ids, err := sql.Open("sqlserver", dsn)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.takeBlocks(ids)
	return s, nil
}

// sqlServerDialector is GORM's, with a type for each NULL.
type sqlServerDialector struct{ gorm.Dialector }

// BindVarTo types the parameter that was added last, if it is no value: SQL
// Server refuses a NULL of no type for some columns.
func (d sqlServerDialector) BindVarTo(w clause.Writer, stmt *gorm.Statement, v any) {
	if last := len(stmt.Vars) - 1; last >= 0 {
		stmt.Vars[last] = typedNull(stmt.Vars[last])
	}
	d.Dialector.BindVarTo(w, stmt, v)
}

// typedNull returns a NULL of the type of v if v is a pointer to nothing, else v.
func typedNull(v any) any {
	switch p := v.(type) {
	case *time.Time:
		if p == nil {
			return sql.NullTime{}
		}
	case *int64:
		if p == nil {
			return sql.NullInt64{}
		}
	case *string:
		if p == nil {
			return sql.NullString{}
		}
	}
	return v
}

// Translate maps the driver's errors to GORM's.
func (d sqlServerDialector) Translate(err error) error {
	if t, ok := d.Dialector.(gorm.ErrorTranslator); ok {
		return t.Translate(err)
	}
	return err
}

// migrate takes an application lock for the whole run, on a connection of its own:
// goose has no lock for SQL Server. A database that has the newest schema is left alone,
// so that the service's login needs no right to make tables.
func (d sqlserverDialect) migrate(ctx context.Context, db *sql.DB) error {
	if current, known, err := schemaVersions(ctx, d, db); err == nil && current == known {
		return nil
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return d.clean(err)
	}
	defer conn.Close()
	const lock = `DECLARE @r int; EXEC @r = sp_getapplock @Resource = 'sluis-migrations', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 120000; SELECT @r`
	var got int
	if err := conn.QueryRowContext(ctx, lock).Scan(&got); err != nil {
		return d.clean(err)
	}
	if got < 0 {
		return errors.New("another process has been migrating for two minutes")
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `EXEC sp_releaseapplock @Resource = 'sluis-migrations', @LockOwner = 'Session'`)
	}()
	err = goUp(ctx, goose.DialectMSSQL, db, "sqlserver")
	if c := d.code(err); c == 262 || c == 1088 || c == 4902 {
		return errors.New("the login may not make or change tables: run web migrate with the login that may")
	}
	return d.clean(err)
}

// fewRows is the number of rows from which copying in bulk, which takes four round
// trips, is better than one statement.
const fewRows = 9

// insert copies the rows in bulk, or stores a few in one statement.
func (sqlserverDialect) insert(ctx context.Context, tx *sql.Tx, table string, columns []string, n int, row func(i int) []any) error {
	if n == 0 {
		return nil
	}
	if n < fewRows && !strings.HasPrefix(table, "#") {
		one := "(" + marks(len(columns)) + ")"
		statement := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + one + strings.Repeat(", "+one, n-1)
		var args []any
		for i := range n {
			args = append(args, row(i)...)
		}
		_, err := tx.ExecContext(ctx, numbered(statement), args...)
		return err
	}
	st, err := tx.PrepareContext(ctx, mssql.CopyIn(table, mssql.BulkOptions{RowsPerBatch: n, CheckConstraints: true}, columns...))
	if err != nil {
		return err
	}
	defer st.Close()
	for i := range n {
		if _, err := st.ExecContext(ctx, row(i)...); err != nil {
			return err
		}
	}
	_, err = st.ExecContext(ctx) // flush
	return err
}

// numbered writes @p1, @p2 … for the question marks of a statement.
func numbered(statement string) string {
	parts := strings.Split(statement, "?")
	for i := range parts[:len(parts)-1] {
		parts[i] += "@p" + strconv.Itoa(i+1)
	}
	return strings.Join(parts, "")
}

// update copies the rows into a temporary table and joins it in one statement.
func (d sqlserverDialect) update(ctx context.Context, tx *sql.Tx, table string, set, key []string, n int, row func(i int) []any) error {
	if n == 0 {
		return nil
	}
	columns := slices.Concat(set, key)
	// A statement without parameters is sent as a batch, so that #stage outlives it. The
	// names of tables and columns are constants, never a user's text.
	//nolint:gosec // no value is concatenated
	if _, err := tx.ExecContext(ctx, "SELECT "+strings.Join(columns, ", ")+" INTO #stage FROM "+table+" WHERE 1 = 0"); err != nil {
		return err
	}
	if err := d.insert(ctx, tx, "#stage", columns, n, row); err != nil {
		return err
	}
	assign, on := make([]string, len(set)), make([]string, len(key))
	for i, c := range set {
		assign[i] = c + " = s." + c
	}
	for i, c := range key {
		on[i] = "t." + c + " = s." + c
	}
	//nolint:gosec // no value is concatenated
	if _, err := tx.ExecContext(ctx, "UPDATE t SET "+strings.Join(assign, ", ")+" FROM "+table+" t JOIN #stage s ON "+strings.Join(on,
		" AND ")); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DROP TABLE #stage")
	return err
}

func (sqlserverDialect) forUpdate(db *gorm.DB, table string) *gorm.DB {
	return db.Table(table + " WITH (UPDLOCK)")
}

func (sqlserverDialect) code(err error) int32 {
	if e, ok := errors.AsType[mssql.Error](err); ok {
		return e.Number
	}
	return 0
}

// retryable reports whether err is a deadlock, a lock timeout, a snapshot conflict, or a
// duplicate key: the second try finds that row and updates it.
func (d sqlserverDialect) retryable(err error) bool {
	return slices.Contains([]int32{1205, 1222, 3960}, d.code(err)) || d.duplicate(err)
}

func (d sqlserverDialect) duplicate(err error) bool {
	c := d.code(err)
	return c == 2601 || c == 2627 || errors.Is(err, gorm.ErrDuplicatedKey)
}

func (d sqlserverDialect) missingTable(err error) bool { return d.code(err) == 208 } // invalid object name

func (d sqlserverDialect) clean(err error) error {
	if c := d.code(err); c != 0 {
		return newCodeError(sqlServerName, int(c))
	}
	if fault := connectionFault(err); fault != "" {
		return &codeError{database: sqlServerName, fault: fault}
	}
	return err
}

func (d sqlserverDialect) lost(err error) bool { return d.code(err) == 0 && unreachable(err) }

// check warns of a database in which readers wait for writers.
func (d sqlserverDialect) check(ctx context.Context, db *sql.DB) (warnings []string, err error) {
	var snapshot bool
	err = db.QueryRowContext(ctx, "SELECT is_read_committed_snapshot_on FROM sys.databases WHERE name = DB_NAME()").Scan(&snapshot)
	if err == nil && !snapshot {
		warnings = append(warnings, "READ_COMMITTED_SNAPSHOT is off: whoever reads waits for whoever writes. "+
			"Set it with ALTER DATABASE … SET READ_COMMITTED_SNAPSHOT ON")
	}
	return warnings, nil // a login that may not see this setting may still work
}

func (sqlserverDialect) advance(db *gorm.DB, sequence string, n int) (next int64, err error) {
	err = db.Raw("UPDATE sequences SET next = next + ? OUTPUT INSERTED.next WHERE name = ?", n, sequence).Scan(&next).Error
	return next, err
}

func (sqlserverDialect) storeEvent(t *tx, x newEvent) error { return storeEvent(t, x) }

func (sqlserverDialect) oneOf(list any) clause.Expression { return inList{list} }

// maxIn keeps a statement below SQL Server's limit of 2,098 parameters.
func (sqlserverDialect) maxIn() int { return 1000 }

// Open opens a database: "sqlite:PATH", "postgres://…" or "sqlserver://…".
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return OpenSQLite(ctx, path, o)
	}
	if strings.HasPrefix(address, "sqlserver://") {
		return OpenSQLServer(ctx, address, o)
	}
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		return OpenPostgres(ctx, address, o)
	}
	return nil, errors.New("the database must be sqlite:PATH, postgres://… or sqlserver://…")
}
