package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"

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

// unreachable returns the fault of a database server that is gone, or nil if err says
// something else. Such an error has no code: it is of the connection.
func unreachable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	_, network := errors.AsType[*net.OpError](err)
	_, stream := errors.AsType[mssql.StreamError](err)
	if network || stream || errors.Is(err, driver.ErrBadConn) {
		return &codeError{database: sqlServerName, fault: "the database cannot be reached"}
	}
	return nil
}

// newCodeError returns a driver's error by its code. SQLite's extended codes have the
// primary one in their lowest byte: 778 is IOERR_WRITE, a kind of IOERR.
func newCodeError(database string, code int) *codeError {
	e := &codeError{database: database, code: code}
	if database == sqliteName {
		e.fault = sqliteFaults[code&0xff]
	} else {
		e.fault = sqlServerFaults[code]
	}
	return e
}

// StorageFault is for [apperr.IsStorage].
func (e *codeError) StorageFault() bool { return e.fault != "" }
