package intake

import (
	"context"
	"fmt"
	"io"

	"sluis/internal/sealing"
)

// Blocks returns what Uploads stored.
type Blocks interface {
	// Block returns a sealed block of an upload; nil after the last one.
	Block(ctx context.Context, deliveryID int64, no int) ([]byte, error)
}

// openBlocks is how many blocks of an upload are in memory at once: a zip is read
// at its end and in its parts by turns.
const openBlocks = 4

// sealedFile reads a sealed upload at any place, a few blocks in memory and
// nothing on a disk.
type sealedFile struct {
	ctx    context.Context
	blocks Blocks
	key    sealing.Key
	id     int64
	size   int64
	cache  []openBlock // the latest first
}

type openBlock struct {
	no    int
	plain []byte
}

// ReadAt implements io.ReaderAt. It is not safe for concurrent use.
func (f *sealedFile) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < f.size {
		plain, err := f.block(int(off / blockBytes))
		if err != nil {
			return n, err
		}
		from := int(off % blockBytes)
		if from >= len(plain) {
			return n, fmt.Errorf("upload block %d is shorter than the file is said to be", off/blockBytes)
		}
		m := copy(p[n:], plain[from:])
		n, off = n+m, off+int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *sealedFile) block(no int) ([]byte, error) {
	for i, b := range f.cache {
		if b.no == no {
			copy(f.cache[1:i+1], f.cache[:i])
			f.cache[0] = b
			return b.plain, nil
		}
	}
	sealed, err := f.blocks.Block(f.ctx, f.id, no)
	if err != nil {
		return nil, fmt.Errorf("read upload block %d: %w", no, err)
	}
	if sealed == nil {
		return nil, fmt.Errorf("upload block %d is not there", no)
	}
	plain, err := f.key.Open(sealed, uploadPlace(no))
	if err != nil {
		return nil, err
	}
	if len(f.cache) < openBlocks {
		f.cache = append(f.cache, openBlock{})
	} else {
		clear(f.cache[len(f.cache)-1].plain)
	}
	copy(f.cache[1:], f.cache)
	f.cache[0] = openBlock{no, plain}
	return plain, nil
}

// forget clears what was opened.
func (f *sealedFile) forget() {
	for _, b := range f.cache {
		clear(b.plain)
	}
	f.cache = nil
}
