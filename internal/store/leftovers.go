package store

import (
	"context"
	"errors"

	"sluis/internal/delivery"
)

// leftover is a part of a delivery that is no longer needed at some point. It may be
// hundreds of megabytes, and SQLite overwrites what it deletes (secure_delete). That is
// why it is deleted in pieces, each in a short transaction. If this is interrupted,
// nothing leaks: the rest was sealed under a key that is destroyed, or Sweep deletes it.
type leftover struct {
	// table has the rows of a delivery, numbered by column. A piece is that many numbers.
	table, column string
	piece         int
	// before, if set, deletes the rows that refer to a piece of table.
	before string
}

var (
	uploadBlocks = leftover{"upload_blocks", "no", 8, ""}
	chunks       = leftover{"chunks", "no", 8, "DELETE FROM chunk_contents WHERE chunk_id IN (SELECT id FROM chunks WHERE delivery_id = ?" +
		" AND no <= ?)"}
	rowMarks  = leftover{"row_marks", "line", 2000, ""}
	rows      = leftover{"delivery_rows", "line", 2000, ""}
	foundRows = leftover{"findings", "line", 2000, ""}

	// sealedParts are the parts that an ended delivery does not need.
	sealedParts = []leftover{uploadBlocks, chunks, rowMarks}
)

// clear deletes parts of a delivery. If check is not nil, every transaction begins with
// it, and its error ends the work.
func (s *Store) clear(ctx context.Context, id int64, check func(t *tx) error, parts ...leftover) error {
	for _, p := range parts {
		for more := true; more; {
			err := s.write(ctx, func(t *tx) (err error) {
				more, err = t.clearPiece(id, check, p)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tx) clearPiece(id int64, check func(t *tx) error, p leftover) (more bool, err error) {
	if check != nil {
		if err := check(t); err != nil {
			return false, err
		}
	}
	// The names of tables and columns are constants, never a user's text.
	var first []int64
	if err := t.db.Table(p.table).Where("delivery_id = ?", id).Order(p.column).Limit(1).
		Pluck(p.column, &first).Error; err != nil || len(first) == 0 {
		return false, err
	}
	last := first[0] + int64(p.piece) - 1
	if p.before != "" {
		if err := t.db.Exec(p.before, id, last).Error; err != nil {
			return false, err
		}
	}
	return true, t.db.Exec("DELETE FROM "+p.table+" WHERE delivery_id = ? AND "+p.column+" <= ?", id, last).Error
}

// tidy clears parts of a delivery after a transaction that made them useless. An error
// is only logged: that transaction is done, and Sweep deletes the rest.
func (s *Store) tidy(ctx context.Context, id int64, parts ...leftover) {
	if err := s.clear(ctx, id, nil, parts...); err != nil && !errors.Is(err, context.Canceled) {
		s.log.ErrorContext(ctx, "leftovers of a delivery not cleared yet", "delivery", id, "err", err)
	}
}

// Sweep clears the leftovers of deliveries that were parsed or ended, if the process
// died before it cleared them itself.
func (s *Store) Sweep(ctx context.Context) error {
	parsed := append([]string{
		string(
			delivery.Exchanging,
		), string(delivery.Deciding), string(delivery.Checked), string(delivery.Confirm), string(delivery.Registering),
	}, finalStates...)
	for _, p := range sealedParts {
		states := finalStates
		if p == uploadBlocks {
			states = parsed
		}
		var ids []int64
		err := s.read(ctx).Raw("SELECT d.id FROM deliveries d WHERE d.id IN (SELECT delivery_id FROM "+p.table+") AND d.state IN ?"+
			" ORDER BY d.id", states).Scan(&ids).Error
		if err != nil {
			return s.dialect.clean(err)
		}
		for _, id := range ids {
			if err := s.clear(ctx, id, nil, p); err != nil {
				return err
			}
		}
	}
	return nil
}
