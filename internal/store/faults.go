package store

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	mssql "github.com/microsoft/go-mssqldb"
)

// sqliteFaults are SQLite's primary result codes that an operator must act on.
var sqliteFaults = map[int]string{
	8:  "the database is read-only",
	10: "the disk cannot be read or written",
	11: "the database is damaged",
	13: "the disk or its quota is full",
	14: "the database file cannot be opened",
	26: "the file is no database",
}

// sqlServerFaults are the same of SQL Server.
var sqlServerFaults = map[int]string{
	823:  "the disk cannot be read or written",
	824:  "the database is damaged",
	825:  "the disk could be read only after several tries",
	945:  "the database cannot be opened, for lack of files, memory or disk",
	1101: "the disk or a filegroup is full",
	1105: "the disk or a filegroup is full",
	3906: "the database is read-only",
	9001: "the transaction log is not available",
	9002: "the transaction log is full",
}

// postgresFaults are the same of PostgreSQL, by SQLSTATE.
var postgresFaults = map[string]string{
	"08000": unreachableFault, "08001": unreachableFault, "08003": unreachableFault, "08004": unreachableFault, "08006": unreachableFault,
	"25006": "the database is read-only",
	"25P03": "the server ended a transaction that stood still",
	"28000": "the server refuses the role",
	"28P01": "the server refuses the password",
	"3D000": "the server has no such database",
	"42501": "the role may not do this",
	"53100": "the disk is full",
	"53200": "the server has no memory left",
	"53300": "the server has no connection left",
	"57P01": "the server is stopping",
	"57P02": "the server has crashed",
	"57P03": "the server is starting or stopping",
	"58030": "the disk cannot be read or written",
	"XX001": "the database is damaged",
	"XX002": "the database is damaged",
}

const (
	unreachableFault = "the database cannot be reached"
	untrustedFault   = "the certificate of the server is not trusted"
)

// connectionFault returns the fault of a database server that is gone, or "" if err says
// something else. Such an error has no code: it is of the connection.
func connectionFault(err error) string {
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
		return untrustedFault
	}
	if unreachable(err) {
		return unreachableFault
	}
	return ""
}

// unreachable reports whether err says that a database server is gone.
func unreachable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	_, network := errors.AsType[*net.OpError](err)
	_, stream := errors.AsType[mssql.StreamError](err)
	_, connect := errors.AsType[*pgconn.ConnectError](err)
	return network || stream || connect || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.SafeToRetry(err)
}

// newCodeError returns a driver's error by its code. SQLite's extended codes have the
// primary one in their lowest byte: 778 is IOERR_WRITE, a kind of IOERR.
func newCodeError(database string, code int) *codeError {
	e := &codeError{database: database, code: strconv.Itoa(code)}
	if database == sqliteName {
		e.fault = sqliteFaults[code&0xff]
	} else {
		e.fault = sqlServerFaults[code]
	}
	return e
}

// newStateError is newCodeError for PostgreSQL.
func newStateError(code string) *codeError {
	return &codeError{database: postgresName, code: code, fault: postgresFaults[code]}
}

// StorageFault is for [apperr.IsStorage].
func (e *codeError) StorageFault() bool { return e.fault != "" }
