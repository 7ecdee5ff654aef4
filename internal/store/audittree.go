package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"gorm.io/gorm"

	"sluis/internal/audit"
	"sluis/internal/audit/tree"
)

// errTree says that the hash tree over the access log cannot grow. Nothing is answered
// then, for what is done could not be recorded.
var errTree = errors.New("store: the tree over the access log lacks a hash: run web audit verify")

// treeEdge is the edge of the tree over the records that are committed, as far as this
// process knows. If another process has recorded since, it is read anew.
type treeEdge struct {
	mu sync.Mutex
	at tree.Edge
}

func (e *treeEdge) get() *tree.Edge {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.at.Clone()
	return &at
}

// set notes the edge after a transaction that is committed. The transactions of one
// process may get here in another order than they were committed in.
func (e *treeEdge) set(at *tree.Edge) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at != nil && at.Size() > e.at.Size() {
		e.at = *at
	}
}

// growTree returns what the leaf of event id adds to the tree. The event's number was taken from the
// sequence, whose row this transaction holds until it ends: so events get their place in
// the order in which they are committed, by any number of processes, and without gaps.
// A known edge of id-1 records is therefore the present one.
func (t *tx) growTree(id int64, leaf tree.Hash) ([]tree.Hash, error) {
	if t.edge == nil {
		t.edge = t.committed.get()
	}
	if t.edge.Size() != id-1 {
		edge, err := tree.ReadEdge(id-1, t.storedHashes)
		if err != nil {
			return nil, err
		}
		t.edge = &edge
	}
	return t.edge.Add(leaf, nil), nil
}

// addHashes stores what event id adds to the tree.
func (t *tx) addHashes(id int64, hashes []tree.Hash) error {
	if len(hashes) == 0 {
		return nil
	}
	args := make([]any, 0, 2*len(hashes))
	for i, h := range hashes {
		args = append(args, tree.Index(id)+int64(i), h[:])
	}
	return t.quick("INSERT INTO audit_hashes (id, hash) VALUES (?, ?)"+strings.Repeat(", (?, ?)", len(hashes)-1), args...).Error
}

// quick runs one short statement. A context that can end costs SQLite's driver more than
// such a statement itself, so that it gets one that cannot.
func (t *tx) quick(statement string, args ...any) *gorm.DB {
	return t.db.WithContext(context.WithoutCancel(t.db.Statement.Context)).Exec(statement, args...)
}

// storedHashes returns hashes of the tree by their index.
func (t *tx) storedHashes(indexes []int64) ([]tree.Hash, error) {
	out := make([]tree.Hash, len(indexes))
	if len(indexes) == 0 {
		return out, nil
	}
	place := make(map[int64]int, len(indexes))
	for i, n := range indexes {
		place[n] = i
	}
	found := 0
	err := pieces(indexes, t.dialect.maxIn(), func(part []int64) error {
		var rows []hashRow
		if err := t.db.Raw("SELECT id, hash FROM audit_hashes WHERE id ?", t.dialect.oneOf(&part)).Scan(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			copy(out[place[r.ID]][:], r.Hash)
		}
		found += len(rows)
		return nil
	})
	if err == nil && found != len(place) {
		err = errTree
	}
	return out, err
}

type hashRow struct {
	ID   int64
	Hash []byte
}

// StoredHashes returns hashes of the tree by their index.
func (s *Store) StoredHashes(ctx context.Context, indexes []int64) ([]tree.Hash, error) {
	return (&tx{Store: s, db: s.read(ctx)}).storedHashes(indexes)
}

// TreeSize returns how many records are in the tree.
func (s *Store) TreeSize(ctx context.Context) (int64, error) {
	e, err := s.Extent(ctx)
	if err != nil {
		return 0, err
	}
	size, whole := tree.Size(e.Hashes)
	if !whole {
		return 0, errTree
	}
	return size, nil
}

// Extent returns how far the access log and its tree go.
func (s *Store) Extent(ctx context.Context) (tree.Extent, error) {
	return extent(&tx{Store: s, db: s.read(ctx)})
}

func extent(t *tx) (tree.Extent, error) {
	var e tree.Extent
	err := t.db.Raw("SELECT (SELECT COALESCE(MAX(id), 0) FROM audit_events) AS last, (SELECT COALESCE(MAX(id), -1) + 1 FROM audit_hashes) AS hashes").
		Row().Scan(&e.Last, &e.Hashes)
	return e, err
}

// HashRange returns the stored hashes with indexes from first to last.
func (s *Store) HashRange(ctx context.Context, first, last int64) (map[int64]tree.Hash, error) {
	rows, err := s.read(ctx).Raw("SELECT id, hash FROM audit_hashes WHERE id BETWEEN ? AND ?", first, last).Rows()
	if err != nil {
		return nil, s.dialect.clean(err)
	}
	defer func() { _ = rows.Close() }()
	out := make(map[int64]tree.Hash, last-first+1)
	for rows.Next() {
		var r hashRow
		if err := rows.Scan(&r.ID, &r.Hash); err != nil {
			return nil, err
		}
		if len(r.Hash) == len(tree.Hash{}) { // another length is no hash: it is missing
			out[r.ID] = tree.Hash(r.Hash)
		}
	}
	return out, s.dialect.clean(rows.Err())
}

// Records returns the events with numbers from first to last that are there, in order,
// with their subjects and seals.
func (s *Store) Records(ctx context.Context, first, last int64) ([]tree.Record, error) {
	out, err := records(&tx{Store: s, db: s.read(ctx)}, first, last)
	return out, s.dialect.clean(err)
}

func records(t *tx, first, last int64) ([]tree.Record, error) {
	subjects := map[int64][]audit.Subject{}
	rows, err := t.db.Raw("SELECT event_id, patient_id, action FROM audit_subjects WHERE event_id BETWEEN ? AND ?", first, last).Rows()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var id int64
		var s audit.Subject
		if err := rows.Scan(&id, &s.PatientID, &s.Action); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		subjects[id] = append(subjects[id], s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	rows, err = t.db.Raw("SELECT "+eventColumns+" FROM audit_events WHERE id BETWEEN ? AND ? ORDER BY id", first, last).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []tree.Record
	for rows.Next() {
		var r eventRow
		if err := rows.Scan(&r.ID, &r.At, &r.Type, &r.Action, &r.Result, &r.UserID, &r.UserName, &r.Role, &r.CentreID, &r.Address,
			&r.RequestID, &r.Via, &r.ObjectType, &r.ObjectID, &r.Code, &r.Subjects, &r.Reason, &r.Source, &r.Seal); err != nil {
			return nil, err
		}
		ev := r.event()
		ev.Subjects = subjects[r.ID]
		out = append(out, tree.Record{Event: ev, Seal: r.Seal})
	}
	return out, rows.Err()
}

// AuditKey returns the key that seals the access log; nil for none.
func (s *Store) AuditKey() *tree.Key { return s.auditKey }

// ErrAuditKey says that the access log is sealed, and that this process has no key.
var ErrAuditKey = errors.New("the access log of this database is sealed: set SLUIS_KEYRING_FILE as the service does, for its key")

// requireAuditKey refuses a process without a key if the last record has a seal. A seal of
// another key is only said in the service's log: it would be an easy way to stop a service.
func (s *Store) requireAuditKey(ctx context.Context) error {
	t := &tx{Store: s, db: s.read(ctx)}
	e, err := extent(t)
	if err != nil {
		return fmt.Errorf("read the access log: %w", s.dialect.clean(err))
	}
	last, err := records(t, e.Last, e.Last)
	if err != nil {
		return fmt.Errorf("read the access log: %w", s.dialect.clean(err))
	}
	switch {
	case len(last) == 0 || len(last[0].Seal) == 0:
	case s.auditKey == nil:
		return ErrAuditKey
	case s.auditKey.CanSeal() && !s.auditKey.Sealed(last[0]) && s.log != nil:
		s.log.ErrorContext(ctx, "the last record of the access log has another key's seal: put audit-key back, or run web audit verify",
			"record", e.Last)
	}
	return nil
}

// adoptEvents adds the events to the tree that were recorded before there was one. They
// get no seal: a seal says that the program recorded an event, not that it found one.
func (s *Store) adoptEvents(ctx context.Context) error {
	const step = 1000
	for more := true; more; {
		err := s.write(ctx, func(t *tx) error {
			more = false
			var next int64
			if err := t.db.Raw("SELECT next FROM sequences WHERE name = 'audit_adopt'").Scan(&next).Error; err != nil || next <= 1 {
				return err
			}
			if _, err := t.next("audit_events", 0); err != nil { // no other process is in between now
				return err
			}
			e, err := extent(t)
			if err != nil {
				return err
			}
			size, whole := tree.Size(e.Hashes)
			if !whole || size >= next-1 {
				return nil // a broken tree is for web audit verify to name
			}
			last := min(size+step, next-1)
			more = last < next-1
			return t.adopt(size+1, last)
		})
		if err != nil {
			return fmt.Errorf("add the older events to the tree of the access log: %w", err)
		}
	}
	return nil
}

func (t *tx) adopt(first, last int64) error {
	found, err := records(t, first, last)
	if err != nil {
		return err
	}
	for n := first; n <= last; n++ {
		ev := audit.Event{ID: n} // of a number without an event
		if len(found) > 0 && found[0].Event.ID == n {
			ev, found = found[0].Event, found[1:]
		}
		hashes, err := t.growTree(n, tree.Leaf(tree.Encode(ev), nil))
		if err != nil {
			return err
		}
		if err := t.addHashes(n, hashes); err != nil {
			return err
		}
	}
	return nil
}
