package store

import (
	"context"
	"errors"

	"sluis/internal/delivery"
)

// leftover is what a delivery no longer needs at some point. It may be hundreds
// of megabytes, which SQLite overwrites as it deletes (secure_delete): so it goes
// a piece at a time, each a short transaction. Whatever is still there was sealed
// under a key that is destroyed, or goes with the next sweep.
type leftover struct {
	// table holds rows of a delivery, numbered by column; a piece is so many numbers.
	table, column string
	piece         int
	// before is deleted first: rows that hang on a piece of table.
	before string
}

var (
	uploadBlocks = leftover{"upload_blocks", "no", 8, ""}
	chunks       = leftover{"chunks", "no", 8, "DELETE FROM chunk_contents WHERE chunk_id IN (SELECT id FROM chunks WHERE delivery_id = ? AND no <= ?)"}
	rowMarks     = leftover{"row_marks", "line", 2000, ""}
	rows         = leftover{"delivery_rows", "line", 2000, ""}
	foundRows    = leftover{"findings", "line", 2000, ""}

	// sealedParts are what an ended delivery has no use for.
	sealedParts = []leftover{uploadBlocks, chunks, rowMarks}
)

// clear deletes the parts of a delivery. check, where given, begins each
// transaction: an error of it ends the work.
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
	// Tables and columns are ours, never a user's.
	var first []int64
	if err := t.db.Table(p.table).Where("delivery_id = ?", id).Order(p.column).Limit(1).Pluck(p.column, &first).Error; err != nil || len(first) == 0 {
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

// tidy clears what stays behind of a delivery after a transaction that ended its
// use. That is done whatever comes of this: the sweep takes what is left.
func (s *Store) tidy(ctx context.Context, id int64, parts ...leftover) {
	if err := s.clear(ctx, id, nil, parts...); err != nil && !errors.Is(err, context.Canceled) {
		s.log.ErrorContext(ctx, "a delivery's leftovers stay for now", "delivery", id, "err", err)
	}
}

// endedStates are those after which nothing happens.
var endedStates = []string{string(delivery.Done), string(delivery.Refused), string(delivery.Failed), string(delivery.Cancelled)}

// Sweep clears what deliveries left behind whose end, or whose parsing, was
// interrupted right after it was settled.
func (s *Store) Sweep(ctx context.Context) error {
	parsed := append([]string{
		string(delivery.Exchanging), string(delivery.Deciding), string(delivery.Checked), string(delivery.Confirm), string(delivery.Registering),
	}, endedStates...)
	for _, p := range sealedParts {
		states := endedStates
		if p == uploadBlocks {
			states = parsed
		}
		var ids []int64
		err := s.read(ctx).Raw("SELECT d.id FROM deliveries d WHERE d.id IN (SELECT delivery_id FROM "+p.table+") AND d.state IN ? ORDER BY d.id", states).Scan(&ids).Error
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
