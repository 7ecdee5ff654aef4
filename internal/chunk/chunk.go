// Package chunk is what a chunk of a delivery's rows holds: how its rows are
// packed as bytes, and how these bytes are sealed and opened.
//
// A chunk holds one [Content] at a time: identities, then temporary pseudonyms,
// then definitive ones. [Seal] and [Open] are the only way in and out. The
// [Format] of the identities belongs to importer/intake, since this package never
// sees an identity.
//
// It never lets a value of a row out by an error, and never decides when
// something is sealed or for how long.
package chunk

import (
	"fmt"
	"strconv"
)

// Content is what a chunk holds, sealed, at one moment. Each step of a delivery
// replaces it by the next.
type Content string

// The contents, in the order in which a chunk holds them. The values are those of
// the database, and part of what binds sealed bytes to their place.
const (
	Identities  Content = "identities"
	Temporaries Content = "temporaries"
	Definitives Content = "definitives"
)

// Key seals and opens bytes for one place. A delivery's sealing.Key is one.
type Key interface {
	Seal(plain []byte, place string) ([]byte, error)
	Open(sealed []byte, place string) ([]byte, error)
}

// Format is how the rows of one content are packed. Pack and Unpack must write
// and read the same values in the same order.
type Format[T any] struct {
	Content  Content
	RowBytes int // about how many bytes a row takes
	Pack     func(w *Writer, row *T)
	Unpack   func(r *Reader, row *T)
}

// Seal packs the rows of chunk number no and seals them with the delivery's key.
func Seal[T any](key Key, no int, f Format[T], rows []T) ([]byte, error) {
	plain := packRows(rows, f.RowBytes, f.Pack)
	defer clear(plain)
	return key.Seal(plain, place(no, f.Content))
}

// Open returns the rows that Seal sealed under the same number and format. The
// rows of an older version may be packed as JSON.
func Open[T any](key Key, no int, f Format[T], sealed []byte) ([]T, error) {
	plain, err := key.Open(sealed, place(no, f.Content))
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	rows, err := unpackRows(plain, f.Unpack)
	if err != nil {
		return nil, fmt.Errorf("read a chunk of %s: %w", f.Content, err)
	}
	return rows, nil
}

// place binds a chunk's sealed bytes to its number and content, so that no chunk
// can be put in the place of another.
func place(no int, holds Content) string { return string(holds) + "/" + strconv.Itoa(no) }
