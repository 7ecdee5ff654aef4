package oldtable

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"sluis/internal/conversion"
)

// leastLetters is the smallest number of letters of a name that is looked for. Shorter
// names occur everywhere by chance.
const leastLetters = 6

// window is how many bytes of a name are looked up at once; every writing of a
// name that is looked for has as many.
const window = 6

// Needles are names to look for. They are in memory only.
type Needles struct {
	by    map[uint64][]needle
	maybe []uint64 // a bit for each hash of a window: most places need no look-up
	names map[string]NameKind
	own   string // Sluis's own words
	Short int    // names too short to look for
	// Words are names that are also part of a word that Sluis itself writes, in lower
	// or in upper case: so written they are not looked for.
	Words int
}

type needle struct {
	bytes  []byte
	kind   NameKind
	coding string
	id     int // of the name
}

const maybeBits = 24

// NewNeedles makes an empty set. own are the words that Sluis itself writes into
// its database: its codes, and the addresses of its users.
func NewNeedles(own []string) *Needles {
	return &Needles{
		by:    map[uint64][]needle{},
		maybe: make([]uint64, 1<<maybeBits/64),
		names: map[string]NameKind{},
		own:   strings.Join(own, "\n"),
	}
}

// Add adds a name: as it is written, in lower and in upper case, in UTF-8 and in
// UTF-16LE.
func (n *Needles) Add(kind NameKind, name string) {
	letters := 0
	for _, r := range name {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters < leastLetters || len(name) < window {
		n.Short++
		return
	}
	if _, there := n.names[name]; there {
		return
	}
	id := len(n.names)
	n.names[name] = kind
	forms := map[string]bool{name: true}
	word := false
	for _, form := range []string{strings.ToLower(name), strings.ToUpper(name)} {
		if kind == Surnames && form != name && strings.Contains(n.own, form) {
			word = true
			continue
		}
		forms[form] = true
	}
	if word {
		n.Words++
	}
	for form := range forms {
		n.put(needle{[]byte(form), kind, "UTF-8", id})
		var wide []byte
		for _, u := range utf16.Encode([]rune(form)) {
			wide = binary.LittleEndian.AppendUint16(wide, u)
		}
		n.put(needle{wide, kind, "UTF-16LE", id})
	}
}

func (n *Needles) put(x needle) {
	key := head(x.bytes)
	n.by[key] = append(n.by[key], x)
	h := hash(key)
	n.maybe[h>>6] |= 1 << (h & 63)
}

// Count is how many names of a kind are looked for.
func (n *Needles) Count(kind NameKind) int {
	count := 0
	for _, k := range n.names {
		if k == kind {
			count++
		}
	}
	return count
}

func head(b []byte) uint64 {
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40
}

func hash(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> (64 - maybeBits) }

// find calls hit for every place in data at which a name begins.
func (n *Needles) find(data []byte, hit func(at int, x needle)) {
	for i := 0; i+window <= len(data); i++ {
		key := head(data[i:])
		h := hash(key)
		if n.maybe[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		for _, x := range n.by[key] {
			if bytes.HasPrefix(data[i:], x.bytes) {
				hit(i, x)
			}
		}
	}
}

// chanceRun is how long a run of base-32 letters is that cannot be a text.
const chanceRun = 26

// byChance reports whether a hit lies in the middle of what can only be a pseudonym or a
// key: a long run of upper-case letters and digits of base 32.
func byChance(data []byte, at, length int) bool {
	base32 := func(b byte) bool { return b >= 'A' && b <= 'Z' || b >= '2' && b <= '7' }
	for _, b := range data[at : at+length] {
		if !base32(b) {
			return false
		}
	}
	from, to := at, at+length
	for from > 0 && base32(data[from-1]) {
		from--
	}
	for to < len(data) && base32(data[to]) {
		to++
	}
	return to-from >= chanceRun
}

// Scanner looks for names in files and in what else it is given.
type Scanner struct {
	needles *Needles
	found   []bool // by name: found anywhere
	scan    conversion.Scan
	hits    map[string]int // listed, by file
}

// NewScanner makes a scanner.
func NewScanner(n *Needles, now time.Time) *Scanner {
	return &Scanner{
		needles: n,
		found:   make([]bool, len(n.names)),
		scan:    conversion.Scan{At: now.UTC(), Files: []conversion.Scanned{}, Hits: []conversion.Hit{}},
		hits:    map[string]int{},
	}
}

// Result is what was found so far.
func (s *Scanner) Result() conversion.Scan { return s.scan }

// Unfound returns the number of names that were not found.
func (s *Scanner) Unfound() int {
	n := 0
	for _, f := range s.found {
		if !f {
			n++
		}
	}
	return n
}

// blockBytes is how much of a file is in memory at once; margin is what of one
// block is looked at again with the next.
const (
	blockBytes = 4 << 20
	margin     = 2048
)

// Path looks into a file, or into every file of a folder. One that is not there
// is passed over.
func (s *Scanner) Path(path string) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil && info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			s.scan.Files = append(s.scan.Files, conversion.Scanned{File: path, Error: "folder_unreadable"})
		}
		for _, e := range entries {
			s.Path(filepath.Join(path, e.Name()))
		}
		return
	}
	f, err := os.Open(path)
	if err != nil {
		s.scan.Files = append(s.scan.Files, conversion.Scanned{File: path, Error: "file_unreadable"})
		return
	}
	defer f.Close()
	s.Stream(path, f)
}

// Stream looks into all of r, and lists it under a name.
func (s *Scanner) Stream(name string, r io.Reader) {
	of := conversion.Scanned{File: name}
	buf := make([]byte, 0, blockBytes+2*margin)
	var offset int64 // of the first byte of buf
	looked := 0      // bytes of buf in which a name has begun already, or has not
	for {
		n, err := io.ReadFull(r, buf[len(buf):len(buf)+blockBytes])
		buf = buf[:len(buf)+n]
		of.Bytes += int64(n)
		last := err != nil
		end := len(buf)
		if !last {
			end -= margin // what begins after it is whole only with the next block
		}
		s.block(&of, buf, looked, end, offset)
		if last {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				of.Error = "read_error"
			}
			break
		}
		keep := min(len(buf), 2*margin) // some text before, to tell chance
		offset += int64(len(buf) - keep)
		looked = end - (len(buf) - keep)
		copy(buf, buf[len(buf)-keep:])
		buf = buf[:keep]
	}
	clear(buf[:cap(buf)])
	s.scan.Files = append(s.scan.Files, of)
}

// block looks at the places of buf from which a name may begin.
func (s *Scanner) block(of *conversion.Scanned, buf []byte, from, to int, offset int64) {
	if from >= to {
		return
	}
	s.needles.find(buf[from:], func(at int, x needle) {
		if at += from; at >= to {
			return
		}
		h := conversion.Hit{
			File:   of.File,
			Offset: offset + int64(at),
			Kind:   string(x.kind),
			Coding: x.coding,
			Chance: byChance(buf, at, len(x.bytes)),
		}
		if h.Chance {
			of.Chance++
		} else {
			of.Hits++
			s.found[x.id] = true
		}
		// Hits by chance are only counted: a person has to look at the listed ones.
		if s.hits[of.File] < conversion.MaxHits && !h.Chance {
			s.hits[of.File]++
			s.scan.Hits = append(s.scan.Hits, h)
		}
	})
}

// Data looks into a piece of text or bytes that is no file, such as a column's
// value, and counts it under a name.
func (s *Scanner) Data(of *conversion.Scanned, data []byte) {
	s.block(of, data, 0, len(data), of.Bytes)
	of.Bytes += int64(len(data))
}

// Done adds what [Scanner.Data] counted.
func (s *Scanner) Done(of conversion.Scanned) { s.scan.Files = append(s.scan.Files, of) }
