package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Every is how often heads are written, if there are new records.
const Every = time.Minute

// Log is the access log, as far as heads need it.
type Log interface {
	// TreeSize returns how many records are in the tree.
	TreeSize(ctx context.Context) (int64, error)
	// StoredHashes returns stored hashes by their index.
	StoredHashes(ctx context.Context, indexes []int64) ([]Hash, error)
}

// Keeper writes signed heads to a file outside the database. Before each head it checks
// that the log still holds what the last head says; if it does not, the keeper says so in
// the service's log and signs nothing any more.
type Keeper struct {
	Tree Log
	Key  *Key
	// File is where heads are appended. Two processes have two files.
	File string
	Now  func() time.Time
	Log  *slog.Logger

	mu     sync.Mutex // of last, which a monitor reads
	last   Head
	loaded bool
}

// Last returns the size and time of the last head that was written or found; zeros if
// there is none.
func (k *Keeper) Last() (size int64, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last.Size, k.last.At
}

// keep remembers the last head.
func (k *Keeper) keep(h Head) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = h
}

// HeadsFile returns the file for the heads of this machine in a folder.
func HeadsFile(folder string) string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "sluis"
	}
	clean := func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}
	return filepath.Join(folder, "heads-"+strings.Map(clean, name)+".txt")
}

// ErrNotContinued says that the access log no longer holds what its last head says:
// records were changed or removed, or an older copy of the database was put back.
var ErrNotContinued = errors.New("the access log does not continue its last head: run web audit verify")

// Run writes heads until ctx ends. The caller writes the last one, by [Keeper.Write], when
// nothing records any more.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		if err := k.Write(ctx); err != nil && ctx.Err() == nil {
			k.Log.ErrorContext(ctx, "no head of the access log written", "file", k.File, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Check returns how many records the log has, and [ErrNotContinued] if it no longer holds
// what its last head says. It writes nothing.
func (k *Keeper) Check(ctx context.Context) (size int64, err error) {
	if !k.loaded {
		last, err := lastHead(k.File, k.Key)
		if err != nil {
			return 0, err
		}
		k.keep(last)
		k.loaded = true
	}
	size, err = k.Tree.TreeSize(ctx)
	if err != nil {
		return 0, err
	}
	if size < k.last.Size {
		return size, fmt.Errorf("%w (it has %d records, the head %d)", ErrNotContinued, size, k.last.Size)
	}
	if k.last.Size > 0 {
		root, err := Root(k.last.Size, k.reader(ctx))
		if err != nil {
			return size, err
		}
		if root != k.last.Root {
			return size, fmt.Errorf("%w (of %d records)", ErrNotContinued, k.last.Size)
		}
	}
	return size, nil
}

// reader reads hashes of the log.
func (k *Keeper) reader(ctx context.Context) Reader {
	return func(indexes []int64) ([]Hash, error) { return k.Tree.StoredHashes(ctx, indexes) }
}

// Write writes heads over the records that came since the last head.
func (k *Keeper) Write(ctx context.Context) error {
	size, err := k.Check(ctx)
	if err != nil {
		return err
	}
	stored := k.reader(ctx)
	for k.last.Size < size {
		to := min(size, k.last.Size+maxMarks)
		if err := k.append(to, stored); err != nil {
			return err
		}
	}
	return nil
}

// append signs the head over the first size records and appends it to the file.
func (k *Keeper) append(size int64, stored Reader) error {
	root, err := Root(size, stored)
	if err != nil {
		return err
	}
	indexes := make([]int64, 0, size-k.last.Size)
	for n := k.last.Size + 1; n <= size; n++ {
		indexes = append(indexes, Index(n))
	}
	leaves, err := stored(indexes)
	if err != nil {
		return err
	}
	head := newHead(size, root, k.Now(), leaves)
	signed, err := head.sign(k.Key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(k.File), 0o700); err != nil {
		return fmt.Errorf("make the folder for heads: %w", err)
	}
	f, err := os.OpenFile(k.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write a head: %w", err)
	}
	_, err = f.Write(append(signed, '\n')) // the blank line that ends a head
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write a head: %w", err)
	}
	k.keep(head)
	return nil
}

// tail is how much of a file of heads surely holds its last head.
const tail = 128 << 10

// lastHead returns the last head of a file; the zero Head if there is none yet.
func lastHead(path string, key *Key) (Head, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("read the last head: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return Head{}, fmt.Errorf("read the last head: %w", err)
	}
	raw, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-tail), tail))
	if err != nil {
		return Head{}, fmt.Errorf("read the last head: %w", err)
	}
	text := string(raw)
	start := strings.LastIndex(text, "\n"+origin+"\n") + 1
	if start == 0 && !strings.HasPrefix(text, origin+"\n") {
		if len(raw) == 0 {
			return Head{}, nil
		}
		return Head{}, fmt.Errorf("%s ends in something that is no head; move it away, and keep it", path)
	}
	signed, err := ReadHeads(path, strings.NewReader(text[start:]), key).note()
	if err != nil {
		return Head{}, err
	}
	head, err := parseHead(signed, key)
	if err != nil {
		return Head{}, fmt.Errorf("the last head of %s: %w; move the file away, and keep it", path, err)
	}
	return head, nil
}
