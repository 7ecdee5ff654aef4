package e2e

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFHIRClient delivers the pilot's patients as a Bundle with a client library that
// knows nothing of Sluis.
func TestFHIRClient(t *testing.T) {
	dir := fhirClient(t)
	p := startDemo(t, t.TempDir())
	run := func(kind, token string) (output string, code int) {
		file := filepath.Join(t.TempDir(), "bundle.json")
		raw, err := json.Marshal(pilotBundle(t, kind))
		if err == nil {
			err = os.WriteFile(file, raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "node", "deliver.mjs", file)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "SLUIS_URL="+p.address, "SLUIS_TOKEN="+token)
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		t.Logf("a %s:\n%sends with %d", kind, out, cmd.ProcessState.ExitCode())
		return string(out), cmd.ProcessState.ExitCode()
	}
	const refused = "422 Unprocessable Entity: Bundle.entry[5].resource.birthDate: De geboortedatum is leeg\n" +
		"422 Unprocessable Entity: Bundle.entry[25].resource.birthDate: De geboortedatum ligt in de toekomst\n" +
		"422 Unprocessable Entity: Bundle.entry[28].resource.gender: Het geslacht bevat een ongeldige waarde\n" +
		"422 Unprocessable Entity: Bundle.entry[37].resource.birthDate: De geboortedatum is leeg\n"
	token := p.token("uploader", "2809")
	for _, c := range []struct{ kind, token, want string }{
		{"batch", token, "Sluis speaks FHIR 4.0.1\n" + refused + "batch-response: 36 x 201 Created, 4 x 422 Unprocessable Entity\n"},
		{"transaction", token, "Sluis speaks FHIR 4.0.1\n" + refused + "transaction-response: 36 x 200 OK, 4 x 422 Unprocessable Entity\n"},
	} {
		if got, code := run(c.kind, c.token); got != c.want || code != 1 {
			t.Errorf("a %s ends with %d:\n%s\nwant:\n%s", c.kind, code, got, c.want)
		}
	}
	if got, code := run("batch", "wrong"); code != 2 || !strings.Contains(got, "401 Token ongeldig") {
		t.Errorf("a wrong token ends with %d: %s", code, got)
	}
}

// fhirClient installs the client library in a copy of its folder.
func fhirClient(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("the FHIR client needs %s: %v", program, err)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "deliver.mjs"} {
		raw, err := os.ReadFile(filepath.Join("fhirclient", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// pilotBundle is the pilot's file as a Bundle of Patients.
func pilotBundle(t *testing.T, kind string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(pilotFile)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\ufeff")))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const ext = "http://hl7.org/fhir/StructureDefinition/humanname-own-"
	var entries []any
	for _, row := range rows[1:] { // centre, birth, sex, number, surname, prefix, initials
		gender, known := map[string]string{"m": "male", "v": "female"}[strings.ToLower(row[2])]
		if !known {
			gender = row[2]
		}
		patient := map[string]any{
			"resourceType": "Patient", "gender": gender,
			"identifier": []any{map[string]any{"system": "https://ziekenhuis.example/patienten", "value": row[3]}},
			"name": []any{map[string]any{
				"use": "official", "family": strings.TrimSpace(row[5] + " " + row[4]), "given": []string{row[6]},
				"_family": map[string]any{"extension": []any{
					map[string]any{"url": ext + "name", "valueString": row[4]},
					map[string]any{"url": ext + "prefix", "valueString": row[5]},
				}},
			}},
		}
		if at, err := time.Parse("2-1-2006", row[1]); err == nil {
			patient["birthDate"] = at.Format(time.DateOnly)
		}
		entries = append(entries, map[string]any{"resource": patient, "request": map[string]any{"method": "POST", "url": "Patient"}})
	}
	return map[string]any{"resourceType": "Bundle", "type": kind, "entry": entries}
}
