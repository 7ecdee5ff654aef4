package chunk

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"
)

// version is the first byte of everything packed. Chunks of older versions hold
// JSON, which begins with another byte.
const version = 1

// ErrDamaged says that bytes are not what a Writer wrote.
var ErrDamaged = errors.New("chunk: the bytes are damaged")

// Writer packs values one after the other. A row takes a fifth of the time that
// it takes as JSON, and less room.
type Writer struct {
	b     []byte
	words map[string]uint64
}

// NewWriter returns a Writer with room for size bytes.
func NewWriter(size int) *Writer {
	return &Writer{b: append(make([]byte, 0, size), version)}
}

// Bytes returns what was packed.
func (w *Writer) Bytes() []byte { return w.b }

// Int packs a number.
func (w *Writer) Int(n int) { w.b = binary.AppendVarint(w.b, int64(n)) }

// String packs a text.
func (w *Writer) String(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

// Word packs a text that many rows share: the first time whole, then by its
// number.
func (w *Writer) Word(s string) {
	n, known := w.words[s]
	if !known {
		if w.words == nil {
			w.words = map[string]uint64{}
		}
		n = uint64(len(w.words))
		w.words[s] = n
	}
	w.uint(n)
	if !known {
		w.String(s)
	}
}

// Time packs a moment.
func (w *Writer) Time(t time.Time) {
	if t.IsZero() {
		w.b = append(w.b, 0)
		return
	}
	w.b = append(w.b, 1)
	w.b = binary.AppendVarint(w.b, t.Unix())
	w.uint(uint64(t.Nanosecond())) // never below zero
}

// uint packs a number that is never below zero; fixed one of which every value
// is as likely, such as a hash.
func (w *Writer) uint(n uint64)  { w.b = binary.AppendUvarint(w.b, n) }
func (w *Writer) fixed(n uint64) { w.b = binary.LittleEndian.AppendUint64(w.b, n) }

// Reader reads values in the order in which they were packed. After the first
// fault it returns zero values only, and Err returns ErrDamaged.
type Reader struct {
	text  string
	bytes []byte
	words []string
	bad   bool
}

// NewReader reads what a Writer wrote. The texts that it returns are parts of one
// copy of b, so that b can be cleared afterwards.
func NewReader(b []byte) *Reader {
	if len(b) == 0 || b[0] != version {
		return &Reader{bad: true}
	}
	return &Reader{text: string(b[1:]), bytes: b[1:]}
}

// Err returns ErrDamaged if a value could not be read, or if more was packed than
// was read.
func (r *Reader) Err() error {
	if r.bad || len(r.bytes) > 0 {
		return ErrDamaged
	}
	return nil
}

// Int reads a number.
func (r *Reader) Int() int {
	n, size := binary.Varint(r.bytes)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.skip(size)
	return int(n)
}

// Count reads how many of something follow. Each takes a byte at least, so that
// damaged bytes cannot ask for more memory than they have themselves.
func (r *Reader) Count() int {
	n := r.Int()
	if n < 0 || n > len(r.bytes) {
		r.fail()
		return 0
	}
	return n
}

// String reads a text.
func (r *Reader) String() string {
	n := r.uint()
	if n > uint64(len(r.bytes)) {
		r.fail()
		return ""
	}
	s := r.text[:n]
	r.skip(int(n))
	return s
}

// Word reads a shared text.
func (r *Reader) Word() string {
	n := r.uint()
	switch {
	case n < uint64(len(r.words)):
		return r.words[n]
	case n > uint64(len(r.words)) || r.bad:
		r.fail()
		return ""
	}
	r.words = append(r.words, r.String())
	return r.words[n]
}

// Time reads a moment, in UTC.
func (r *Reader) Time() time.Time {
	if len(r.bytes) == 0 {
		r.fail()
		return time.Time{}
	}
	known := r.bytes[0]
	r.skip(1)
	if known == 0 {
		return time.Time{}
	}
	seconds, size := binary.Varint(r.bytes)
	if size <= 0 {
		r.fail()
		return time.Time{}
	}
	r.skip(size)
	nanos := r.uint()
	if nanos >= uint64(time.Second) {
		r.fail()
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}

// more reports whether there is something left to read.
func (r *Reader) more() bool { return len(r.bytes) > 0 }

func (r *Reader) uint() uint64 {
	n, size := binary.Uvarint(r.bytes)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.skip(size)
	return n
}

func (r *Reader) fixed() uint64 {
	if len(r.bytes) < 8 {
		r.fail()
		return 0
	}
	n := binary.LittleEndian.Uint64(r.bytes)
	r.skip(8)
	return n
}

func (r *Reader) skip(n int) { r.bytes, r.text = r.bytes[n:], r.text[n:] }

func (r *Reader) fail() { r.bad, r.bytes, r.text = true, nil, "" }

// packRows packs a list with its length in front.
func packRows[T any](list []T, each int, pack func(w *Writer, row *T)) []byte {
	w := NewWriter(64 + len(list)*each)
	w.Int(len(list))
	for i := range list {
		pack(w, &list[i])
	}
	return w.Bytes()
}

// unpackRows reads a list that packRows packed, or that an older version wrote as
// JSON.
func unpackRows[T any](b []byte, unpack func(r *Reader, row *T)) ([]T, error) {
	if len(b) > 0 && b[0] == '[' {
		var list []T
		if json.Unmarshal(b, &list) != nil { // a decoder's error may quote what it decodes
			return nil, ErrDamaged
		}
		return list, nil
	}
	r := NewReader(b)
	list := make([]T, r.Count())
	for i := range list {
		unpack(r, &list[i])
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return list, nil
}
