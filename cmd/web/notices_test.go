package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notices is the list of all modules that are linked into the program, each with its
// licence. A release has their texts (deploy/release.sh).
const notices = "../../THIRD_PARTY_LICENCES"

// licences are those that we accept, each with words that only its text has. Copyleft
// licences are not among them: whoever gets the program would have rights in ours.
var licences = []struct{ name, words string }{
	{"Apache-2.0", "Apache License Version 2.0, January 2004"},
	{"BSD-3-Clause", "endorse or promote products derived from"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"Zlib", "This software is provided 'as-is', without any express or implied warranty"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose"},
}

// copyleft are words of licences that we refuse, also if they are next to another one.
var copyleft = regexp.MustCompile(`GNU (AFFERO |LESSER |LIBRARY )?GENERAL PUBLIC LICENSE|Mozilla Public License|Eclipse Public License|` +
	`Server Side Public License|Business Source License|Elastic License|Commons Clause|Creative Commons Attribution-(NonCommercial|ShareAlike)`)

// TestNotices compares the modules in the program with THIRD_PARTY_LICENCES: none is
// missing, none is there for nothing, and each licence is one that we accept.
// SLUIS_TEST_NOTICES=write writes the list (make notices).
func TestNotices(t *testing.T) {
	linked := linkedModules(t)
	var want bytes.Buffer
	fmt.Fprint(&want, "The program Sluis contains the work of others: the Go standard library (BSD-3-Clause) and these modules.\n"+
		"web/THIRD_PARTY_NOTICES has the licences of its style sheets, scripts and fonts,\n"+
		"internal/account/common those of its list of common passwords. make notices writes this list.\n\n")
	for _, path := range slices.Sorted(maps.Keys(linked)) {
		fmt.Fprintf(&want, "%s %s\n", path, licenceOf(t, path, linked[path]))
	}
	if os.Getenv("SLUIS_TEST_NOTICES") == "write" {
		if err := os.WriteFile(notices, want.Bytes(), 0o644); err != nil { // for everybody to read
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(notices)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want.Bytes()) {
		t.Errorf("THIRD_PARTY_LICENCES is not what the program contains; make notices writes it. Differences: %v", differ(string(have), want.String()))
	}
	t.Logf("%d modules", len(linked))
}

// linkedModules returns the folders of the modules of which any release of the program has
// a package, by their paths.
func linkedModules(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, system := range []string{"linux", "windows", "darwin"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}{{end}}", ".")
		cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		raw, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Fields(strings.ReplaceAll(string(raw), "\t", "=")) {
			path, dir, _ := strings.Cut(line, "=")
			if path != "sluis" {
				out[path] = dir
			}
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d modules", len(out))
	}
	return out
}

// licenceOf returns the name of a module's licence.
func licenceOf(t *testing.T, module, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	// modernc.org/sqlite lists there what its whole module graph has, not what is linked.
	isLicence := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-].*)?$`)
	var parts []string
	for _, f := range files {
		if f.IsDir() || f.Name() == "LICENSE-3RD-PARTY.md" || !isLicence.MatchString(f.Name()) || strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, strings.TrimSpace(strings.ReplaceAll(string(raw), "\r\n", "\n")))
	}
	text := strings.Join(parts, "\n\n")
	if found := copyleft.FindString(text); found != "" {
		t.Errorf("%s: %s is not accepted", module, found)
	}
	single := strings.Join(strings.Fields(text), " ")
	for _, l := range licences {
		if strings.Contains(single, l.words) {
			return l.name
		}
	}
	t.Errorf("%s: its licence is none that we know: look at %s", module, dir)
	return "unknown"
}

// differ returns the lines that are in one of two lists only.
func differ(a, b string) (out []string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for _, line := range x {
		if !slices.Contains(y, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range y {
		if !slices.Contains(x, line) {
			out = append(out, "+ "+line)
		}
	}
	return out
}

// TestAssetNotices: each npm package whose code or fonts are in the built assets is in
// web/THIRD_PARTY_NOTICES, with the version of the lock file and an accepted licence.
func TestAssetNotices(t *testing.T) {
	var lock struct {
		Packages map[string]struct {
			Version, License string
			Dev              bool
		}
	}
	raw, err := os.ReadFile("../../web/package-lock.json")
	if err == nil {
		err = json.Unmarshal(raw, &lock)
	}
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../web/THIRD_PARTY_NOTICES")
	if err != nil {
		t.Fatal(err)
	}
	titles := map[string]string{"node_modules/govuk-frontend": "GOV.UK Frontend", "node_modules/@fontsource/source-sans-3": "Source Sans 3"}
	accepted := map[string]bool{"MIT": true, "OFL-1.1": true, "ISC": true, "BSD-3-Clause": true, "Apache-2.0": true}
	shipped := 0
	for path, p := range lock.Packages {
		if path == "" || p.Dev {
			continue
		}
		shipped++
		title := titles[path]
		if title == "" || !accepted[p.License] || !regexp.MustCompile(`== `+regexp.QuoteMeta(title)+`.* `+regexp.QuoteMeta(p.Version)+`\)? ==`).Match(page) {
			t.Errorf("%s %s (%s) is not in web/THIRD_PARTY_NOTICES", path, p.Version, p.License)
		}
	}
	if shipped != len(titles) {
		t.Errorf("%d packages are shipped, %d are known", shipped, len(titles))
	}
}
