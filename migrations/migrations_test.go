package migrations

import (
	"io/fs"
	"strings"
	"testing"
)

// TestSameNumbers checks that every database has the same migrations: whoever adds one
// adds it in each folder.
func TestSameNumbers(t *testing.T) {
	names := func(folder string) string {
		entries, err := fs.ReadDir(Files, folder)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return strings.Join(out, " ")
	}
	want := names("sqlite")
	for _, folder := range []string{"postgres", "sqlserver"} {
		if got := names(folder); got != want {
			t.Errorf("sqlite has %s\n%s has %s", want, folder, got)
		}
	}
}
