package deliveries_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"sluis/internal/importer/intake/columns"
	"sluis/internal/server/example"
	"sluis/internal/server/servertest"
)

// TestExamples delivers each example file as it is, which stores nobody, and with a patient
// in the place of the example row, who is stored.
func TestExamples(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	page := b.Get("/aanleveringen/nieuw").Body
	for _, kind := range []string{"persoonsgegevens", "tijdelijke-pseudoniemen"} {
		for i, format := range example.Formats {
			path := "/aanleveringen/voorbeeld/" + kind + "." + format
			servertest.Contains(t, "the upload page", page, path)
			got := b.Get(path)
			if got.Status != http.StatusOK || got.Header.Get("Content-Type") != example.ContentTypes[format] {
				t.Fatalf("%s: %d %s", path, got.Status, got.Header.Get("Content-Type"))
			}
			servertest.Contains(t, path+" as it is", b.Follow(b.Upload("save", "v."+format, got.Body)).Body, "maar geen patiënten")
			mine := strings.ReplaceAll(got.Body, columns.ExampleNumber, "77"+string(rune('a'+i)))
			if format == "xlsx" {
				mine = fillIn(t, got.Body)
			}
			after := b.Follow(b.Upload("save", "v."+format, mine)).Body
			if kind == "persoonsgegevens" {
				// The same person each time: stored once, and a conflict under other numbers.
				want := "1 te beoordelen"
				if i == 0 {
					want = "1 nieuw"
				}
				servertest.Contains(t, path+" filled in", after, want)
			} else {
				servertest.Contains(t, path+" filled in", after, "Het tijdelijke pseudoniem is onbekend of beschadigd")
			}
		}
	}
	for path, status := range map[string]int{"persoonsgegevens.exe": 404, "x.csv": 404, "persoonsgegevens": 404} {
		if got := b.Get("/aanleveringen/voorbeeld/" + path); got.Status != status {
			t.Errorf("%s: %d", path, got.Status)
		}
	}
	if got := s.SignedIn("other").Get("/aanleveringen/voorbeeld/persoonsgegevens.csv"); got.Status != http.StatusNotFound {
		t.Errorf("names for a centre that may not deliver them: %d", got.Status)
	}
}

// fillIn puts a patient in the place of the example in a workbook.
func fillIn(t *testing.T, raw string) string {
	t.Helper()
	book := servertest.Must(excelize.OpenReader(strings.NewReader(raw)))(t)
	defer func() { _ = book.Close() }()
	for i, cell := range servertest.Must(book.GetRows("Patiënten"))(t)[1] {
		if cell == columns.ExampleNumber {
			name := servertest.Must(excelize.CoordinatesToCellName(i+1, 2))(t)
			if err := book.SetCellStr("Patiënten", name, "0077"); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	if err := book.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
