package intake

import (
	"errors"
	"io"
	"regexp"

	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/fhir"
	"sluis/internal/importer/intake/tabular"
)

// headBytes is how much of a file is read to find out its format.
const headBytes = 64 << 10

// jsonStart matches the start of a JSON text of records. A bracket is not enough: the
// header of a CSV may begin with one too.
var jsonStart = regexp.MustCompile(`^(?:\[\s*(?:[\[{"\d\]tfn-]|$)|\{\s*(?:["}]|$))`)

// markup matches the start of a text in HTML or XML. Programs give such files names
// that end in .xls.
var markup = regexp.MustCompile(`(?i)^<(?:!--|(?:!doctype|\?xml|html|head|body|table|meta|style|div|workbook)\b)`)

// open finds out the format of a file by its content, whatever its name says. A file
// that cannot be read is a *tabular.Error.
func (p *parse) open() (tabular.Source, error) {
	head := make([]byte, min(headBytes, p.file.size))
	defer clear(head)
	if _, err := p.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if tabular.IsWorkbook(head) {
		return tabular.OpenXLSX(p.file, p.file.size, p.in.limits)
	}
	start := tabular.Start(head)
	defer clear(start)
	switch {
	case fhir.LooksXML(start):
		return nil, &tabular.Error{Code: tabular.FHIRXML}
	case markup.Match(start):
		return nil, &tabular.Error{Code: tabular.Markup}
	case !jsonStart.Match(start[:min(len(start), 256)]):
		return tabular.OpenCSV(p.file, p.file.size, p.in.limits)
	case fhir.Looks(start):
		p.isFHIR = true
		return fhir.Open(p.file, p.file.size, fhir.Options{
			Limits: p.in.limits, NumberSystem: p.centre.NumberSystem, Types: p.in.types.All, Today: p.in.now(),
		})
	}
	return tabular.OpenJSON(p.file, p.file.size, p.in.limits, columns.NewWords(p.in.types).OfRecord)
}
