package chunk

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

type row struct {
	N    int
	S, W string
	T    time.Time
}

func pack(w *Writer, r *row) {
	w.Int(r.N)
	w.String(r.S)
	w.Word(r.W)
	w.Time(r.T)
}

func unpack(r *Reader, x *row) { x.N, x.S, x.W, x.T = r.Int(), r.String(), r.Word(), r.Time() }

func rows() []row {
	at := time.Date(2026, 11, 25, 12, 0, 0, 123_456_789, time.UTC)
	return []row{{1, "é ĳ", "NGGV", at}, {-1 << 62, "", "NGG", time.Time{}},
		{0, strings.Repeat("x", 1000), "NGGV", at.AddDate(-3000, 0, 0)}, {7, "a", "", at}}
}

func TestRowsComeBack(t *testing.T) {
	for _, list := range [][]row{rows(), nil, rows()[:1]} {
		got, err := unpackRows(packRows(list, 10, pack), unpack)
		if err != nil || !slices.Equal(got, list) {
			t.Errorf("%+v (%v), want %+v", got, err, list)
		}
	}
}

func TestWordsAreWrittenOnce(t *testing.T) {
	word := strings.Repeat("w", 100)
	if n := len(packRows([]row{{W: word}, {W: word}, {W: word}}, 10, pack)); n > 150 {
		t.Errorf("%d bytes", n)
	}
}

func TestChunksOfOlderVersions(t *testing.T) {
	got, err := unpackRows([]byte(`[{"N":1,"S":"a","W":"b","T":"0001-01-01T00:00:00Z"}]`), unpack)
	if err != nil || !slices.Equal(got, []row{{N: 1, S: "a", W: "b"}}) {
		t.Errorf("%+v (%v)", got, err)
	}
	if _, err := unpackRows([]byte(`[{"N":"Jansen"}]`), unpack); !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "Jansen") {
		t.Errorf("err = %v", err)
	}
}

func TestDamagedBytes(t *testing.T) {
	b := packRows(rows(), 10, pack)
	for n := range len(b) {
		if _, err := unpackRows(b[:n], unpack); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut off at %d: %v", n, err)
		}
	}
	if _, err := unpackRows(append(slices.Clone(b), 0), unpack); !errors.Is(err, ErrDamaged) {
		t.Errorf("more than was packed: %v", err)
	}
}

func FuzzUnpackRows(f *testing.F) {
	f.Add(packRows(rows(), 10, pack))
	f.Add([]byte("[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := unpackRows(b, unpack)
		if err != nil {
			return
		}
		again, err := unpackRows(packRows(list, 10, pack), unpack)
		if err != nil || !slices.EqualFunc(again, list,
			func(a, b row) bool { return a.N == b.N && a.S == b.S && a.W == b.W && a.T.Equal(b.T) }) {
			t.Errorf("%+v (%v), want %+v", again, err, list)
		}
	})
}
