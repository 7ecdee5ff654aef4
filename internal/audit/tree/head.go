package tree

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// origin is the first line of each head, as a C2SP checkpoint has it.
const origin = "sluis access log"

// markBytes is how much of a leaf's hash a head carries for each record since the head
// before it. The root proves that nothing changed; the marks only say where something did.
const markBytes = 6

// maxMarks is the number of records that one head covers. It keeps a head at 33 kB; more
// new records than that get more heads.
const maxMarks = 4096

// Head is what the access log was at one moment: how many records, and the hash over all
// of them. Signed and away from the database, it cannot be taken back.
type Head struct {
	Size  int64
	Root  Hash
	At    time.Time
	After int64  // the size of the head before it
	marks []byte // of the records After+1 to Size
}

// newHead returns the head over the first size records; leaves are those after the head
// before it.
func newHead(size int64, root Hash, at time.Time, leaves []Hash) Head {
	h := Head{Size: size, Root: root, At: at, After: size - int64(len(leaves))}
	for _, leaf := range leaves {
		h.marks = append(h.marks, leaf[:markBytes]...)
	}
	return h
}

// differs reports whether record number, with this leaf, is another one than when the
// head was signed. Of a record before After it knows nothing.
func (h Head) differs(number int64, leaf Hash) bool {
	i := (number - h.After - 1) * markBytes
	return i >= 0 && i < int64(len(h.marks)) && string(h.marks[i:i+markBytes]) != string(leaf[:markBytes])
}

// sign returns the head as a signed note.
func (h Head) sign(k *Key) ([]byte, error) {
	return k.sign(fmt.Sprintf("%s\n%d\n%s\ntime %s\nafter %d\nmarks %s\n", origin, h.Size, h.Root,
		h.At.UTC().Format(time.RFC3339Nano), h.After, base64.StdEncoding.EncodeToString(h.marks)))
}

// parseHead reads a signed note.
func parseHead(signed string, k *Key) (Head, error) {
	text, err := k.open([]byte(signed))
	if err != nil {
		return Head{}, err
	}
	lines := strings.Split(text, "\n")
	if len(lines) < 6 || lines[0] != origin {
		return Head{}, errors.New("it is no head of an access log")
	}
	var h Head
	var faults [5]error
	h.Size, faults[0] = strconv.ParseInt(lines[1], 10, 64)
	h.Root, faults[1] = tlog.ParseHash(lines[2])
	h.At, faults[2] = time.Parse(time.RFC3339Nano, strings.TrimPrefix(lines[3], "time "))
	h.After, faults[3] = strconv.ParseInt(strings.TrimPrefix(lines[4], "after "), 10, 64)
	h.marks, faults[4] = base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[5], "marks "))
	if errors.Join(faults[:]...) != nil || h.After < 0 || h.After >= h.Size || int64(len(h.marks)) != (h.Size-h.After)*markBytes {
		return Head{}, errors.New("it is no head of an access log")
	}
	return h, nil
}

// Heads reads a file of heads, one at a time.
type Heads struct {
	name string
	in   *bufio.Scanner
	key  *Key
	last Head
	n    int
}

// ReadHeads returns the heads in r, whose signatures must be of key.
func ReadHeads(name string, r io.Reader, key *Key) *Heads {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), 1<<20)
	return &Heads{name: name, in: in, key: key}
}

// BadHead is a head that cannot be used: it is damaged, forged, or out of order.
type BadHead struct {
	File  string
	Head  int // the first is 1
	Cause string
}

func (e *BadHead) Error() string { return fmt.Sprintf("head %d of %s: %s", e.Head, e.File, e.Cause) }

// next returns the next head, or io.EOF.
func (h *Heads) next() (Head, error) {
	signed, err := h.note()
	if err != nil {
		return Head{}, err
	}
	h.n++
	head, err := parseHead(signed, h.key)
	if err == nil && head.Size <= h.last.Size {
		err = fmt.Errorf("it has %d records, and the head before it %d", head.Size, h.last.Size)
	}
	if err != nil {
		return Head{}, &BadHead{File: h.name, Head: h.n, Cause: err.Error()}
	}
	h.last = head
	return head, nil
}

// note returns the lines of one signed note: a text, a blank line and signatures, up to a
// blank line after those.
func (h *Heads) note() (string, error) {
	var b strings.Builder
	signatures := false
	for h.in.Scan() {
		line := h.in.Text()
		if line == "" && (b.Len() == 0 || signatures) {
			if signatures {
				return b.String(), nil
			}
			continue
		}
		signatures = signatures || strings.HasPrefix(line, "— ")
		b.WriteString(line)
		b.WriteByte('\n')
	}
	if err := h.in.Err(); err != nil {
		return "", fmt.Errorf("read %s: %w", h.name, err)
	}
	if b.Len() == 0 {
		return "", io.EOF
	}
	return b.String(), nil
}
