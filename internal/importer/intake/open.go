package intake

import (
	"errors"
	"io"
	"regexp"

	"sluis/internal/importer/intake/fhir"
	"sluis/internal/importer/intake/tabular"
)

// headBytes is how much of a file is looked at to tell its format.
const headBytes = 64 << 10

// jsonStart is how a JSON text of records begins; a header of a CSV may begin
// with a bracket too.
var jsonStart = regexp.MustCompile(`^(?:\[\s*(?:[\[{"\d\]tfn-]|$)|\{\s*(?:["}]|$))`)

// open tells the format of a file by what it holds, whatever its name says. A
// file that cannot be read is a *tabular.Error.
func (p *parse) open() (tabular.Source, error) {
	head := make([]byte, min(headBytes, p.file.size))
	defer clear(head)
	if _, err := p.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if tabular.IsWorkbook(head) {
		return tabular.OpenXLSX(p.file, p.file.size, p.in.Limits)
	}
	start := tabular.Start(head)
	defer clear(start)
	switch {
	case fhir.LooksXML(start):
		return nil, &tabular.Error{Code: tabular.FHIRXML}
	case !jsonStart.Match(start[:min(len(start), 256)]):
		return tabular.OpenCSV(p.file, p.file.size, p.in.Limits)
	case fhir.Looks(start):
		return fhir.Open(p.file, p.file.size, start, fhir.Options{Limits: p.in.Limits, NumberSystem: p.centre.NumberSystem, Types: p.in.Types})
	}
	return tabular.OpenJSON(p.file, p.file.size, p.in.Limits)
}
