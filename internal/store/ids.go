package store

import (
	"context"
	"database/sql"
	"sync"
)

// blockSizes is how many ids of a sequence a process takes at a time. A sequence that is
// not named here is asked for as many as are needed, so that its ids are in the order in
// which they were asked for by all processes.
var blockSizes = map[string]int{"patients": 5000, "chunks": 50}

// idBlocks hands out ids without keeping a sequence locked until a transaction ends:
// otherwise all processes would store one chunk at a time. Ids that are not used are
// lost, which matters to nobody: only the access log may have no gaps (tx.next).
type idBlocks struct {
	store *Store
	// pool has connections of its own. A transaction that waited for one of the store's
	// might wait for a transaction that waits too.
	pool *sql.DB
	mu   sync.Mutex
	left map[string]idRange
}

// take returns the first of n consecutive ids.
func (b *idBlocks) take(ctx context.Context, sequence string, n int) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.left[sequence]
	if r.n < n {
		size := max(n, blockSizes[sequence])
		g := b.store.gorm.WithContext(ctx)
		g.Statement.ConnPool = b.pool
		next, err := b.store.dialect.advance(g, sequence, size)
		if err != nil {
			return 0, err
		}
		r = idRange{next - int64(size), size}
	}
	b.left[sequence] = idRange{r.first + int64(n), r.n - n}
	return r.first, nil
}

// ids reserves n consecutive ids of a sequence and returns the first. Unlike next, it
// makes nobody wait: on SQLite, which has one writer, there is nobody.
func (t *tx) ids(sequence string, n int) (int64, error) {
	if t.blocks == nil {
		return t.next(sequence, n)
	}
	return t.blocks.take(t.db.Statement.Context, sequence, n)
}

// takeBlocks lets a store take ids on a pool of its own.
func (s *Store) takeBlocks(pool *sql.DB) {
	pool.SetMaxOpenConns(1)
	s.blocks = &idBlocks{store: s, pool: pool, left: map[string]idRange{}}
	s.closers = append(s.closers, pool.Close)
}
