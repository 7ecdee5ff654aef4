package chunk

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluis/internal/patient"
	"sluis/internal/sealing"
)

func temporaryRows() []patient.TemporaryRow {
	return []patient.TemporaryRow{
		{Ref: "r1", Line: 2, Display: display(), Temporaries: []patient.Temporary{
			{Type: "NGGV", Value: "abc", ExpiresAt: time.Date(2026, 12, 1, 10, 0, 0, 123_000_000, time.UTC)},
			{Type: "PGG", Value: "d", RecordedOn: "2020-01-01"},
		}},
		{
			Ref: "r2", Line: 1_000_001, Display: patient.Display{Birth: patient.Birth{Year: 1950}},
			OldRow: &patient.OldRow{ID: "17", DiedOn: "2020-02-03", Version: 4}, Temporaries: []patient.Temporary{},
		},
	}
}

func definitiveRows() []patient.Candidate {
	return []patient.Candidate{
		{Line: 2, Display: display(), Pseudonyms: []patient.Pseudonym{
			{Type: "NGGV", Domain: "qrns", KeyVersion: 2, Value: "v2.ABC", ObservedOn: "2026-11-25"},
			{Type: "PGG", Domain: "qrns", KeyVersion: 1, Value: "v1.D", RecordedOn: "2020-01-01", ObservedOn: "2020-01-01"},
		}},
		{Line: 3, OldRow: &patient.OldRow{ID: "18"}, Pseudonyms: []patient.Pseudonym{}},
	}
}

func display() patient.Display {
	return patient.Display{Number: "0123 é", Birth: patient.Birth{Year: 1970, Month: 1, Day: 2}, Sex: patient.Female}
}

func key(t testing.TB) sealing.Key {
	t.Helper()
	ring, err := sealing.OpenKeyring(filepath.Join(t.TempDir(), "ring.json"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	k, _, _, err := ring.NewKey("delivery")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedRowsComeBack(t *testing.T) {
	k := key(t)
	comesBack(t, k, TemporaryRows, temporaryRows())
	comesBack(t, k, DefinitiveRows, definitiveRows())
}

func comesBack[T any](t *testing.T, k Key, f Format[T], rows []T) {
	t.Helper()
	sealed, err := Seal(k, 7, f, rows)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), "0123") {
		t.Errorf("%s can be read in the sealed bytes", f.Content)
	}
	if got, err := Open(k, 7, f, sealed); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%s: %+v (%v), want %+v", f.Content, got, err, rows)
	}
	if _, err := Open(k, 8, f, sealed); err == nil {
		t.Errorf("%s: opened as another chunk", f.Content)
	}
	other := f
	other.Content = "other"
	if _, err := Open(k, 7, other, sealed); err == nil {
		t.Errorf("%s: opened as another content", f.Content)
	}
}

// TestDamagedChunk checks that the error of a chunk that cannot be read says
// nothing of its rows.
func TestDamagedChunk(t *testing.T) {
	k := key(t)
	sealed, err := k.Seal([]byte(`[{"r":1,"l":"Jansen"}]`), place(0, Temporaries))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(k, 0, TemporaryRows, sealed); !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "Jansen") {
		t.Errorf("err = %v", err)
	}
}

// TestFormatsStay keeps the bytes as they lie in databases: a release must read
// what the one before it packed.
func TestFormatsStay(t *testing.T) {
	t.Run("temporary rows", func(t *testing.T) {
		stays(t, TemporaryRows, temporaryRows(), "010402723104073031323320c3a9e41e0204000176000401044e4747560361626301c0eaf4b00dc0a9d33a02000303504747016400040a323032302d30312d3031"+
			"02723282897a00bc1e00000202023137050a323032302d30322d30330800")
	})
	t.Run("definitive rows", func(t *testing.T) {
		stays(t, DefinitiveRows, definitiveRows(),
			"010404073031323320c3a9e41e0204000176000401044e474756020471726e73040676322e4142430300040a323032362d31312d3235"+
				"050350474702020476312e44060a323032302d30312d30310606000000000302023138030000")
	})
	t.Run("marks", func(t *testing.T) {
		golden := unhex(t, "01020430313233ffffffffffffffff0100000000000000030000000000000000000000000000000000c1843d05c4b320c3a900000000000000400000000000000080")
		if got := PackMarks(marks()); !reflect.DeepEqual(got, golden) {
			t.Errorf("packed %x, want %x", got, golden)
		}
		if got, err := UnpackMarks(golden); err != nil || !reflect.DeepEqual(got, marks()) {
			t.Errorf("%+v (%v)", got, err)
		}
	})
}

func stays[T any](t *testing.T, f Format[T], rows []T, golden string) {
	t.Helper()
	b := unhex(t, golden)
	if got := packRows(rows, f.RowBytes, f.Pack); !reflect.DeepEqual(got, b) {
		t.Errorf("packed %x, want %x", got, b)
	}
	if got, err := unpackRows(b, f.Unpack); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%+v (%v)", got, err)
	}
	older, err := json.Marshal(rows) // as chunks of older versions hold them
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unpackRows(older, f.Unpack); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("JSON: %+v (%v)", got, err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func BenchmarkDefinitiveRows(b *testing.B) {
	set := make([]patient.Candidate, 500)
	for i := range set {
		n := strconv.Itoa(100_000 + i)
		set[i] = patient.Candidate{Line: i + 2, Display: patient.Display{Number: n, Birth: display().Birth, Sex: patient.Female},
			Pseudonyms: []patient.Pseudonym{
				{Type: "NGGV", Domain: "qrns", KeyVersion: 2, Value: "v2." + n + strings.Repeat("A", 40), ObservedOn: "2026-11-25"},
				{Type: "NGG", Domain: "qrns", KeyVersion: 2, Value: "v2." + n + strings.Repeat("B", 32), ObservedOn: "2026-11-25"},
			}}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := unpackRows(packRows(set, DefinitiveRows.RowBytes, DefinitiveRows.Pack), DefinitiveRows.Unpack); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarks(b *testing.B) {
	list := make([]Mark, 500)
	for i := range list {
		list[i] = Mark{i + 2, strconv.Itoa(100_000 + i), 1<<60 + int64(i), 1<<61 + int64(i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := UnpackMarks(PackMarks(list)); err != nil {
			b.Fatal(err)
		}
	}
}
