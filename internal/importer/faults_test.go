package importer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/ttpclient/ttptest"
)

// faultyFile is a file of testdata/faults and what becomes of it. Each is an example of a
// kind of fault that users of other systems reported (testdata/faults/README.md).
type faultyFile struct {
	name   string
	wants  []string // lines of the account that fate gives, or the beginnings of such
	unlike []string // beginnings of lines that may not be there
}

// faultyFiles is every file of testdata/faults: each kind of fault has a table in a file
// of its own.
func faultyFiles() []faultyFile {
	return slices.Concat(numberFaults, dateFaults, personFaults)
}

// TestFaultyFiles delivers each file to a fresh registry and compares its fate with
// what is right. With -v it prints the whole account.
func TestFaultyFiles(t *testing.T) {
	ttp := ttptest.Start(t)
	for _, f := range faultyFiles() {
		t.Run(f.name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "faults", f.name))
			if err != nil {
				t.Fatal(err)
			}
			checkFaulty(t, ttp, f, string(raw))
		})
	}
}

// checkFaulty delivers a file and compares its account with what is right.
func checkFaulty(t *testing.T, ttp *ttptest.TTP, f faultyFile, file string) {
	t.Helper()
	account := deliverFaulty(t, ttp, f.name, file)
	t.Log("\n" + strings.Join(account, "\n"))
	begins := func(want string) bool {
		return slices.ContainsFunc(account, func(line string) bool { return strings.HasPrefix(line, want) })
	}
	for _, want := range f.wants {
		if !begins(want) {
			t.Errorf("no line begins with %q", want)
		}
	}
	for _, not := range f.unlike {
		if begins(not) {
			t.Errorf("a line begins with %q", not)
		}
	}
}

// partners returns the other lines that a finding is about, or "" if there are none.
func partners(lines []int) string {
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprintf("with %v", lines)
}

// deliverFaulty delivers a file and returns the account of it, a fact a line:
//
//	state done
//	counts read=40 created=36 rejected=4 review=0
//	refused BSN_NUMBERS map[]
//	note NUMBER_FLOATS map[count:3]
//	line 7 fatal sluis PATIENT_NUMBER_EMPTY patientNumber
//	patient 123 1970-01-02 m
func deliverFaulty(t *testing.T, ttp *ttptest.TTP, name, file string) []string {
	t.Helper()
	return deliverUpload(t, ttp, intake.Upload{Who: tester, Mode: delivery.Save, Filename: name}, file)
}

// deliverUpload is deliverFaulty for an upload with other choices.
func deliverUpload(t *testing.T, ttp *ttptest.TTP, up intake.Upload, file string) []string {
	t.Helper()
	p := newPlantAt(t, ttp, 500, time.Now)
	up.Centre = p.centre
	id, err := p.intake.Receive(t.Context(), up, strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	return p.account(t, id)
}

// account returns what became of a delivery, a fact a line.
func (p *plant) account(t *testing.T, id string) []string {
	t.Helper()
	d := p.delivery(t, id)
	lines := []string{
		fmt.Sprintf("state %s", d.State),
		fmt.Sprintf("counts read=%d created=%d rejected=%d review=%d", d.Counts.Read, d.Counts.Created, d.Counts.Rejected, d.Counts.Review),
	}
	for _, r := range d.Refusals {
		lines = append(lines, fmt.Sprintf("refused %s %v", r.Code, r.Args))
	}
	for _, r := range d.Notes {
		lines = append(lines, fmt.Sprintf("note %s %v", r.Code, r.Args))
	}
	for _, f := range p.findings(t, id) {
		lines = append(lines, fmt.Sprintf("line %d %s %s %s %s %s", f.Line, f.Severity, f.Source, f.Code, f.Field,
			f.Message)+partners(f.Partners))
	}
	page, err := p.store.Patients(t.Context(), tester, account.AllCentres(), patient.Query{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range page.Patients {
		lines = append(lines, fmt.Sprintf("patient %s %s %s", x.Number, x.Birth, x.Sex))
	}
	return lines
}
