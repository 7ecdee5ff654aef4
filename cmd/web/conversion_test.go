package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var printedNext = regexp.MustCompile(`(?m)^Next: (web .*)$`)

// printedCommand returns the words of the next command in an output, as a shell reads
// them.
func printedCommand(t *testing.T, out string) []string {
	t.Helper()
	found := printedNext.FindAllStringSubmatch(out, -1)
	if len(found) != 1 {
		t.Fatalf("%d next commands are printed, want 1:\n%s", len(found), out)
	}
	raw, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\n' `+found[0][1]).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")[1:]
}

// TestPrintedCommandsWork does a conversion by copying each command from the output of the
// one before. Only the first command says which column holds the patient number.
func TestPrintedCommandsWork(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "Jan's data") // a shell must have it quoted
	if code := beginDemo(t, dir).end(t); code != 0 {
		t.Fatalf("the demonstration ended with %d", code)
	}
	table := filepath.Join(t.TempDir(), "oude tabel.db")
	if r := command(t, nil, "", "existing", "sample", "--rows", "200", "--db", table); r.code != 0 {
		t.Fatalf("sample: %d %s", r.code, r.err)
	}
	args := []string{
		"existing", "plan", "--as", "datamanager@registratie.example", "--data", dir, "--source", "sqlite:" + table, "--number",
		"patientnummer", "--rate", "5000",
	}
	for _, step := range []struct {
		args, flags string
		codes       []int
	}{
		{"existing plan", "--number patientnummer --rate 5000", []int{0}},
		{"existing run", "--rehearse --rows 100 --rate 5000", []int{0}},
		{"existing run", "--rate 5000", []int{0, exitAttention}}, // rows were rejected
		{"existing verify", "", []int{0}},
		{"existing erase", "--way new", []int{exitAttention}}, // those rows are in no exception
	} {
		if got := strings.Join(args, " "); !strings.HasPrefix(got, step.args+" --as ") || !strings.HasSuffix(got, step.flags) {
			t.Fatalf("the printed command is %q, want %q with %q", got, step.args, step.flags)
		}
		r := command(t, nil, "", args...)
		if !slices.Contains(step.codes, r.code) {
			t.Fatalf("web %s: exit code %d, want one of %v\n%s%s", strings.Join(args, " "), r.code, step.codes, r.out, r.err)
		}
		if step.args != "existing erase" {
			args = printedCommand(t, r.out)
		}
	}
}
