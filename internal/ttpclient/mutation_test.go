package ttpclient_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// mutations are mistakes that somebody could make in the pairing of answers with
// rows. The property test of package resolve must fail with each of them.
var mutations = map[string]struct{ file, was, becomes string }{
	"the count is compared the wrong way round": {"pair.go", "if len(items) != len(rows) {", "if len(items) == len(rows) {"},
	"answers are paired by position":            {"pair.go", "answers[item.Ref] = a\n", "answers[rows[len(answers)].Ref] = a\n"},
	"another type passes for the one asked": {
		"pair.go",
		"t.Type == v.Type && t.RecordedOn == v.RecordedOn })\n		if !asked",
		"t.Type != v.Type && t.RecordedOn == v.RecordedOn })\n		if !asked",
	},
	"a temporary value passes for a definitive": {"pair.go", "|| s.sent[v.Value] {", "{"},
}

// TestMutationsAreCaught proves that the property test finds mistakes. It runs that
// test once on the true source, and once on the source with each mutation, always
// from the same seed.
func TestMutationsAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles package resolve five times")
	}
	property := func(t *testing.T, overlay string) (failed bool, output string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		args := []string{"test", "-count=1", "-run", "^TestNeverAWrongLink$"}
		if overlay != "" {
			args = append(args, "-overlay", overlay)
		}
		cmd := exec.CommandContext(ctx, "go", append(args, "./resolve", "-rapid.checks=400", "-rapid.seed=1", "-rapid.nofailfile")...)
		out, err := cmd.CombinedOutput()
		if ctx.Err() != nil {
			t.Fatalf("no end: %s", out)
		}
		if err != nil && !strings.Contains(string(out), "--- FAIL: TestNeverAWrongLink") {
			t.Fatalf("the test did not run: %s", out)
		}
		return err != nil, string(out)
	}
	if failed, out := property(t, ""); failed {
		t.Fatalf("without a mutation: %s", out)
	}
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(source), m.was) != 1 {
				t.Fatalf("%s has changed: it has %q %d times", m.file, m.was, strings.Count(string(source), m.was))
			}
			dir := t.TempDir()
			mutant := filepath.Join(dir, m.file)
			original, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutant}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(mutant, []byte(strings.Replace(string(source), m.was, m.becomes, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			list := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(list, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			failed, out := property(t, list)
			if !failed {
				t.Error("the property test did not notice")
			}
			for _, line := range strings.Split(out, "\n") {
				noticed := func(words string) bool { return strings.Contains(line, words) }
				if slices.ContainsFunc([]string{"is linked", "answers to", "no answer", "verdict"}, noticed) {
					t.Logf("caught: %s", strings.TrimSpace(line))
					break
				}
			}
		})
	}
}
