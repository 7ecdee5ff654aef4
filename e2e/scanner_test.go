package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// scanner looks for many strings at once, in every notation in which a program might
// keep one.
type scanner struct {
	byStart map[[2]byte][]needle
	starts  [1 << 16]bool
}

// needle is one notation of one string.
type needle struct {
	bytes         []byte
	what, writing string
}

// newScanner makes a scanner of strs: the strings to look for, by their description.
func newScanner(strs map[string]string) *scanner {
	s := &scanner{byStart: map[[2]byte][]needle{}}
	for what, text := range strs {
		for writing, forms := range writings(text) {
			for _, b := range forms {
				start := [2]byte{b[0], b[1]}
				s.byStart[start] = append(s.byStart[start], needle{b, what, writing})
				s.starts[int(b[0])<<8|int(b[1])] = true
			}
		}
	}
	return s
}

// writings returns text in upper and lower case and in every encoding.
func writings(text string) map[string][][]byte {
	out := map[string][][]byte{}
	for _, v := range []string{text, strings.ToLower(text), strings.ToUpper(text)} {
		add := func(writing string, b []byte) {
			for _, have := range out[writing] {
				if string(have) == string(b) {
					return
				}
			}
			out[writing] = append(out[writing], b)
		}
		add("plain", []byte(v))
		var little, big, jsonLow, jsonUp, percent []byte
		for _, u := range utf16.Encode([]rune(v)) {
			little = append(little, byte(u), byte(u>>8))
			big = append(big, byte(u>>8), byte(u))
			jsonLow = fmt.Appendf(jsonLow, `\u%04x`, u)
			jsonUp = fmt.Appendf(jsonUp, `\u%04X`, u)
			percent = fmt.Appendf(percent, "%%%02X", u)
		}
		add("UTF-16LE", little)
		add("UTF-16BE", big)
		add("JSON-escaped", jsonLow)
		add("JSON-escaped", jsonUp)
		add("percent-encoded", percent)
		if escaped := url.QueryEscape(v); escaped != v {
			add("query-escaped", []byte(escaped))
		}
		add("hex", []byte(hex.EncodeToString([]byte(v))))
		add("hex", []byte(strings.ToUpper(hex.EncodeToString([]byte(v)))))
		for shift := range 3 {
			for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				whole := enc.EncodeToString([]byte(strings.Repeat("x", shift) + v + "xx"))
				// The first and last characters depend on the bytes around it.
				from, to := (shift*8+5)/6, (shift+len(v))*8/6
				add("base64", []byte(whole[from:to]))
			}
		}
	}
	return out
}

// find returns a sentence for each string that is in data.
func (s *scanner) find(data []byte) []string {
	var hits []string
	for i := 0; i+1 < len(data); i++ {
		if !s.starts[int(data[i])<<8|int(data[i+1])] {
			continue
		}
		for _, n := range s.byStart[[2]byte{data[i], data[i+1]}] {
			if len(data)-i >= len(n.bytes) && string(data[i:i+len(n.bytes)]) == string(n.bytes) {
				hits = append(hits, fmt.Sprintf("%s (%s) at byte %d", n.what, n.writing, i))
			}
		}
	}
	return hits
}

// sweep searches every file below the folders. It returns what it found, and how many
// files and bytes it read.
func (s *scanner) sweep(t testing.TB, folders ...string) (hits []string, files int, size int64) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			for _, h := range s.find([]byte(d.Name())) {
				hits = append(hits, "a file's name: "+h)
			}
			if !d.Type().IsRegular() {
				return nil
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, h := range s.find(raw) {
				hits = append(hits, filepath.Base(path)+": "+h)
			}
			files, size = files+1, size+int64(len(raw))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return hits, files, size
}

// TestScanner shows that the scanner finds every notation that it looks for. A scanner
// that found nothing would make every sweep pass.
func TestScanner(t *testing.T) {
	const secret = "Qwertzuiop"
	s := newScanner(map[string]string{"canary": secret})
	dir := t.TempDir()
	for writing, forms := range writings(secret) {
		for _, form := range forms {
			path := filepath.Join(dir, "planted")
			text := append(append([]byte("before "), form...), " after"...)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if hits, files, _ := s.sweep(t, dir); len(hits) == 0 || files != 1 {
				t.Errorf("%s is not found in %q: %v", writing, text, hits)
			}
		}
	}
	for _, prefix := range []string{"", "a", "ab", "abc"} {
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			if len(s.find([]byte(enc.EncodeToString([]byte(prefix+secret+`";"m"`))))) == 0 {
				t.Errorf("base64 after %d bytes is not found", len(prefix))
			}
		}
	}
	if hits := s.find([]byte(strings.Repeat("Qwertzuio qwertzuip ", 1000))); len(hits) > 0 {
		t.Errorf("found what is not there: %v", hits[0])
	}
	if err := os.Rename(filepath.Join(dir, "planted"), filepath.Join(dir, "x-"+secret+".csv")); err != nil {
		t.Fatal(err)
	}
	if hits, _, _ := s.sweep(t, dir); len(hits) < 2 {
		t.Errorf("a file's name is not looked at: %v", hits)
	}
}
