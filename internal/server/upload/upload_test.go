package upload_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"sluis/internal/apperr"
	"sluis/internal/server/upload"
)

func TestName(t *testing.T) {
	for given, want := range map[string]string{
		"pilot.csv":              "pilot.csv",
		`C:\fakepath\pilot.csv`:  "pilot.csv",
		"../../etc/passwd":       "passwd",
		"a\r\nSet-Cookie: x.csv": "aSet-Cookie: x.csv",
		"\u202egnp.csv":          "gnp.csv",
		"..":                     "",
		"":                       "",
		" \t ":                   "",
		"patiënten 2026 (1).csv": "patiënten 2026 (1).csv",
		strings.Repeat("é", 300): strings.Repeat("é", 200),
	} {
		if got := upload.Name(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func TestLimit(t *testing.T) {
	for size, fits := range map[int]bool{0: true, 9: true, 10: true, 11: false, 5000: false} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "a byte at a time": iotest.OneByteReader,
			"data with EOF": iotest.DataErrReader,
		} {
			got, err := io.ReadAll(upload.Limit(wrap(strings.NewReader(strings.Repeat("x", size))), 10))
			if fits && (err != nil || len(got) != size) {
				t.Errorf("%d bytes, %s: %d read, %v", size, name, len(got), err)
			}
			if !fits && (!errors.Is(err, apperr.New(apperr.TooLarge, "file_too_large")) || len(got) != 10) {
				t.Errorf("%d bytes, %s: %d read, %v", size, name, len(got), err)
			}
		}
	}
}

func TestLimitTellsHalfAFileFromAWholeOne(t *testing.T) {
	half := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := io.ReadFull(upload.Limit(half, 100), make([]byte, 50))
	if !errors.Is(err, apperr.New(apperr.Invalid, "upload_interrupted")) {
		t.Errorf("half a file: %v", err)
	}
}
