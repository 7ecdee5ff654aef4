package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sluis/internal/audit"
	"sluis/internal/audit/tree"
)

// postgresDialect is for production without SQL Server. Several processes may share
// one server.
type postgresDialect struct {
	mu sync.Mutex
	// types are the types of columns, by table and column, as insert and update have
	// asked for them.
	types map[string]map[string]string
}

// postgresSettings are the settings of every connection, unless the connection string
// has others. They make the program independent of how the server, the database and
// the role are set up.
var postgresSettings = map[string]string{
	"application_name":              "sluis",
	"default_transaction_isolation": "read committed",
	"standard_conforming_strings":   "on",
	"timezone":                      "UTC",
	"datestyle":                     "ISO",
	// A transaction waits for a lock no longer than this, and is then tried again.
	"lock_timeout": "30s",
	// A process that is stopped in the middle of a transaction must not keep the others
	// waiting: the access log has one writer at a time.
	"idle_in_transaction_session_timeout": "60s",
	// Compiling a query takes longer than any of ours runs.
	"jit": "off",
}

// OpenPostgres opens the database at dsn and migrates it to the newest schema.
func OpenPostgres(ctx context.Context, dsn string, o Options) (*Store, error) {
	cfg, err := parsePostgres(dsn)
	if err != nil {
		return nil, err
	}
	db := openPostgres(cfg)
	s, err := open(ctx, &postgresDialect{types: map[string]map[string]string{}}, db, postgresDialector{conn: db}, o)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.takeBlocks(openPostgres(cfg))
	s.listening = cfg
	return s, nil
}

// parsePostgres reads a connection string, and adds the settings of every connection.
func parsePostgres(dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("open PostgreSQL: the connection string is not valid") // its error may quote the password
	}
	if err := requireTLS(cfg); err != nil {
		return nil, err
	}
	for name, value := range postgresSettings {
		if _, set := cfg.RuntimeParams[name]; !set {
			cfg.RuntimeParams[name] = value
		}
	}
	return cfg, nil
}

// openPostgres returns a pool of connections.
func openPostgres(cfg *pgx.ConnConfig) *sql.DB {
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(prepareConnection))
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	// Connections do not live for ever, so that a failover to another server is followed.
	db.SetConnMaxLifetime(30 * time.Minute)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db
}

// requireTLS wants a certificate that is verified, unless the server is on this machine.
// package config says so first, and in words; this looks at what the driver made of it,
// with the PG… variables of the environment.
func requireTLS(cfg *pgx.ConnConfig) error {
	hosts := []pgconn.FallbackConfig{{Host: cfg.Host, TLSConfig: cfg.TLSConfig}}
	for _, f := range cfg.Fallbacks {
		hosts = append(hosts, *f)
	}
	for _, h := range hosts {
		if onThisMachine(h.Host) {
			continue
		}
		if h.TLSConfig == nil || h.TLSConfig.InsecureSkipVerify {
			return errors.New("open PostgreSQL: patients may cross the network unencrypted, or to whoever answers: write " +
				"sslmode=verify-full in the connection string, and for a certificate of your own authority also sslrootcert=FILE")
		}
	}
	return nil
}

// prepareConnection sets how values become parameters, and how they come back.
func prepareConnection(_ context.Context, conn *pgx.Conn) error {
	m := conn.TypeMap()
	text := &pgtype.Type{Name: "text", OID: pgtype.TextOID, Codec: readableText{}}
	m.RegisterType(text)
	m.RegisterType(&pgtype.Type{Name: "_text", OID: pgtype.TextArrayOID, Codec: &pgtype.ArrayCodec{ElementType: text}})
	m.RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
	return nil
}

// readableText is pgx's codec of texts in arrays, but for what PostgreSQL refuses to
// store: a byte 0, and what is not UTF-8. Both can be typed into any form. They become
// U+FFFD, so that a search for them finds nothing. Of a text that is no array, pgx does
// not ask the codec: there, the dialector does the same.
type readableText struct{ pgtype.TextCodec }

// PreferredFormat is binary, for in an array of texts pgx does not ask the codec.
func (readableText) PreferredFormat() int16 { return pgtype.BinaryFormatCode }

func (c readableText) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(string); ok {
		return readablePlan{}
	}
	return c.TextCodec.PlanEncode(m, oid, format, value)
}

type readablePlan struct{}

func (readablePlan) Encode(value any, buf []byte) ([]byte, error) {
	s, _ := value.(string)
	return append(buf, readable(s)...), nil
}

// readable returns s as every database stores it.
func readable(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

// migrationLock is the key of the advisory lock around migrations: "sluis" as a number.
const migrationLock = 0x736c756973

// migrate takes an advisory lock for the whole run, on a connection of its own. A
// database that has the newest schema is left alone, so that the service's role needs
// no right to make tables.
func (d *postgresDialect) migrate(ctx context.Context, db *sql.DB) error {
	if current, known, err := schemaVersions(ctx, d, db); err == nil && current == known {
		return nil
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return d.clean(err)
	}
	defer func() { _ = conn.Close() }()
	deadline := time.Now().Add(2 * time.Minute)
	for got := false; !got; {
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(migrationLock)).Scan(&got); err != nil {
			return d.clean(err)
		}
		if !got && time.Now().After(deadline) {
			return errors.New("another process has been migrating for two minutes")
		}
		if !got {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migrationLock))
	}()
	err = goUp(ctx, goose.DialectPostgres, db, "postgres")
	if d.code(err) == "42501" {
		return errors.New("the role may not make tables: run web migrate with the role that owns the schema, " +
			"or grant this one CREATE on it")
	}
	return d.clean(err)
}

// check refuses a database in which values would come back as others than were stored,
// and warns of one that may lose what it says it has stored.
func (d *postgresDialect) check(ctx context.Context, db *sql.DB) (warnings []string, err error) {
	var encoding, isolation, zone, fsync, commit, readOnly string
	var schema sql.NullString
	var version int
	const question = `SELECT current_setting('server_encoding'), current_setting('transaction_isolation'), current_setting('TimeZone'),
		current_setting('fsync'), current_setting('synchronous_commit'), current_setting('transaction_read_only'), current_schema(),
		current_setting('server_version_num')::int`
	err = db.QueryRowContext(ctx, question).Scan(&encoding, &isolation, &zone, &fsync, &commit, &readOnly, &schema, &version)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the settings of the database: %w", d.clean(err))
	case version < 130000:
		return nil, fmt.Errorf("the server is PostgreSQL %d: Sluis needs 13 or newer", version/10000)
	case encoding != "UTF8":
		return nil, fmt.Errorf("the database has the encoding %s: make it anew with ENCODING 'UTF8' TEMPLATE template0", encoding)
	case isolation != "read committed" || !strings.EqualFold(zone, "UTC"):
		return nil, fmt.Errorf("the connection has isolation %s and time zone %s: take both out of the connection string and of "+
			"any pooler in between, for Sluis sets read committed and UTC", isolation, zone)
	case readOnly == "on":
		return nil, errors.New("the database is read-only: connect to the primary server (target_session_attrs=read-write), not to a copy")
	case !schema.Valid:
		return nil, errors.New("the role sees no schema: make one (CREATE SCHEMA sluis AUTHORIZATION the role), or grant it USAGE")
	}
	if fsync == "off" || commit == "off" {
		warnings = append(warnings, "the server does not wait for the disk (fsync or synchronous_commit is off): a power cut loses what "+
			"Sluis has said is stored")
	}
	return warnings, nil
}

// typesOf returns the types of columns, by name.
func (d *postgresDialect) typesOf(ctx context.Context, tx *sql.Tx, table string) (map[string]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if types, known := d.types[table]; known {
		return types, nil
	}
	rows, err := tx.QueryContext(ctx, "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute"+
		" WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped", table)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	types := map[string]string{}
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			return nil, err
		}
		types[name] = typ
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	d.types[table] = types
	return types, nil
}

// unnest returns n rows of columns as a table of a statement, with its parameters: one
// array for each column, so that the statement is the same however many rows there are.
func (d *postgresDialect) unnest(ctx context.Context, tx *sql.Tx, table string, columns []string, n int,
	row func(i int) []any,
) (from string, arrays []any, err error) {
	types, err := d.typesOf(ctx, tx, table)
	if err != nil {
		return "", nil, err
	}
	arrays = make([]any, len(columns))
	marks := make([]string, len(columns))
	values := make([][]any, len(columns))
	for j, c := range columns {
		if types[c] == "" {
			return "", nil, fmt.Errorf("store: table %s has no column %s", table, c)
		}
		values[j] = make([]any, n)
		arrays[j] = values[j]
		marks[j] = fmt.Sprintf("$%d::%s[]", j+1, types[c])
	}
	for i := range n {
		for j, v := range row(i) {
			values[j][i] = v
		}
	}
	return "unnest(" + strings.Join(marks, ", ") + ")", arrays, nil
}

// insert stores all rows in one statement.
func (d *postgresDialect) insert(ctx context.Context, tx *sql.Tx, table string, columns []string, n int, row func(i int) []any) error {
	if n == 0 {
		return nil
	}
	from, arrays, err := d.unnest(ctx, tx, table, columns, n, row)
	if err != nil {
		return err
	}
	//nolint:gosec // the schema's own names
	_, err = tx.ExecContext(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") SELECT * FROM "+from, arrays...)
	return err
}

// update changes all rows in one statement.
func (d *postgresDialect) update(ctx context.Context, tx *sql.Tx, table string, set, key []string, n int, row func(i int) []any) error {
	if n == 0 {
		return nil
	}
	columns := slices.Concat(set, key)
	from, arrays, err := d.unnest(ctx, tx, table, columns, n, row)
	if err != nil {
		return err
	}
	assign, on := make([]string, len(set)), make([]string, len(key))
	for i, c := range set {
		assign[i] = c + " = s." + c
	}
	for i, c := range key {
		on[i] = "t." + c + " = s." + c
	}
	//nolint:gosec // the schema's own names
	_, err = tx.ExecContext(ctx, "UPDATE "+table+" AS t SET "+strings.Join(assign, ", ")+" FROM "+from+" AS s("+strings.Join(columns, ", ")+
		") WHERE "+strings.Join(on, " AND "), arrays...)
	return err
}

// forUpdate locks rows as an UPDATE does that leaves the key alone: other transactions
// may go on to store rows that refer to them.
func (*postgresDialect) forUpdate(db *gorm.DB, table string) *gorm.DB {
	return db.Table(table).Clauses(clause.Locking{Strength: "NO KEY UPDATE"})
}

func (*postgresDialect) advance(db *gorm.DB, sequence string, n int) (next int64, err error) {
	err = db.Raw("UPDATE sequences SET next = next + ? WHERE name = ? RETURNING next", n, sequence).Scan(&next).Error
	return next, err
}

// storeEvent stores an event, its subjects and its hashes in one statement, because every
// other writer waits until it is committed.
func (*postgresDialect) storeEvent(t *tx, x newEvent) error {
	event := t.db.Session(&gorm.Session{DryRun: true}).Create(&x.row).Statement
	if event.Error != nil {
		return event.Error
	}
	patients, actions := make([]int64, len(x.ev.Subjects)), make([]string, len(x.ev.Subjects))
	for i, s := range x.ev.Subjects {
		patients[i], actions[i] = s.PatientID, string(s.Action)
	}
	hashes := make([][]byte, len(x.hashes))
	for i, h := range x.hashes {
		hashes[i] = h[:]
	}
	args := slices.Clone(event.Vars)
	mark := func(value any, typ string) string {
		args = append(args, value)
		return fmt.Sprintf("$%d::%s", len(args), typ)
	}
	id := mark(x.row.ID, "bigint")
	statement := "WITH event AS (" + event.SQL.String() + "), hashes AS (INSERT INTO audit_hashes (id, hash) SELECT " +
		mark(tree.Index(x.row.ID), "bigint") + " + n - 1, hash FROM unnest(" + mark(hashes, "bytea[]") +
		") WITH ORDINALITY AS h(hash, n)), " +
		"subjects AS (INSERT INTO audit_subjects (event_id, patient_id, action) SELECT " + id + ", s.* FROM unnest(" +
		mark(patients, "bigint[]") + ", " + mark(actions, "text[]") + ") AS s UNION ALL SELECT " + id + ", p.id, " +
		mark(string(audit.Create), "text") + " FROM patients p WHERE p.id BETWEEN " + mark(x.created.first, "bigint") + " AND " +
		mark(x.created.first+int64(x.created.n)-1, "bigint") + " RETURNING 1) SELECT COUNT(*) FROM subjects"
	var stored int
	if err := t.raw.QueryRowContext(t.db.Statement.Context, statement, args...).Scan(&stored); err != nil {
		return err
	}
	if stored != x.row.Subjects {
		return fmt.Errorf("store: an event about %d patients found %d", x.row.Subjects, stored)
	}
	return nil
}

// oneOf sends the whole list as one array.
func (*postgresDialect) oneOf(list any) clause.Expression { return arrayList{list} }

// arrayList is "= ANY(list)". list is a pointer to a slice: GORM would make a parameter
// of each value of a slice.
type arrayList struct{ list any }

func (a arrayList) Build(b clause.Builder) {
	_, _ = b.WriteString("= ANY(")
	b.AddVar(b, a.list)
	_ = b.WriteByte(')')
}

func (*postgresDialect) code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// retryable reports whether err is a deadlock, a lock timeout, a failed serialization, a
// statement planned for an older schema, or a duplicate key: the second try finds that
// row and updates it.
func (d *postgresDialect) retryable(err error) bool {
	c := d.code(err)
	return c == "40001" || c == "40P01" || c == "55P03" || c == "0A000" || d.duplicate(err)
}

func (d *postgresDialect) duplicate(err error) bool {
	return d.code(err) == "23505" || errors.Is(err, gorm.ErrDuplicatedKey)
}

func (d *postgresDialect) missingTable(err error) bool { return d.code(err) == "42P01" }

// lost reports whether the connection was lost.
func (d *postgresDialect) lost(err error) bool {
	c := d.code(err)
	return strings.HasPrefix(c, "08") || strings.HasPrefix(c, "57P0") || c == "25P03" || c == "" && unreachable(err)
}

func (d *postgresDialect) clean(err error) error {
	if c := d.code(err); c != "" {
		return newStateError(c)
	}
	if fault := connectionFault(err); fault != "" {
		return &codeError{database: postgresName, fault: fault}
	}
	// The driver quotes a value that it could not send.
	if err != nil && strings.Contains(err.Error(), "failed to encode args") {
		return errors.New(postgresName + ": a value cannot be sent as a parameter")
	}
	return err
}

// maxIn only bounds the memory for one list: an array is one parameter.
func (*postgresDialect) maxIn() int { return 10_000 }
