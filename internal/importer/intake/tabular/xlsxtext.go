package tabular

import (
	"archive/zip"
	"regexp"
	"strconv"
	"strings"
)

// maxTexts is how many texts the cells of a workbook may share.
const maxTexts = 3_000_000

// texts are the texts that cells share, in few large pieces: a workbook of many
// rows has hundreds of thousands.
type texts struct {
	pieces [][]byte
	at     []textAt
	size   int64
}

type textAt struct{ piece, from, to uint32 }

// textPiece is the size of a piece, in bytes.
const textPiece = 1 << 20

func (t *texts) add(s string) {
	last := len(t.pieces) - 1
	if last < 0 || cap(t.pieces[last])-len(t.pieces[last]) < len(s) {
		t.pieces = append(t.pieces, make([]byte, 0, max(textPiece, len(s))))
		last++
	}
	from := len(t.pieces[last])
	t.pieces[last] = append(t.pieces[last], s...)
	t.at = append(t.at, textAt{uint32(last), uint32(from), uint32(from + len(s))}) //nolint:gosec // a piece is small
	t.size += int64(len(s))
}

func (t *texts) get(i int) (string, bool) {
	if t == nil || i < 0 || i >= len(t.at) {
		return "", false
	}
	a := t.at[i]
	return string(t.pieces[a.piece][a.from:a.to]), true
}

func (x *XLSX) readTexts(part *zip.File) error {
	x.texts = &texts{}
	return x.read(part, x.limits.Expanded, func(r *xmlReader, e element) error {
		if e.name != "si" {
			return nil
		}
		s, err := r.rich(x.limits.RecordBytes)
		if err != nil {
			return err
		}
		x.texts.add(s)
		if x.texts.size > x.limits.Texts || len(x.texts.at) > maxTexts {
			return &Error{Code: TooExpanded}
		}
		return nil
	})
}

// escaped is how a workbook writes a character that XML cannot hold.
var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return escaped.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[2:6], 16, 16)
		if err != nil || n >= 0xD800 && n < 0xE000 {
			return m
		}
		return string(rune(n))
	})
}
