package deliveries

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/server/example"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// exampleKinds are the kinds of files by the names of their examples.
var exampleKinds = map[string]delivery.Kind{"tijdelijke-pseudoniemen": delivery.Temporary, "persoonsgegevens": delivery.Identities}

// kindsOf returns the kinds of files that a centre may deliver, the usual one
// first.
func kindsOf(c account.Centre) []delivery.Kind {
	if c.IdentitiesAllowed {
		return []delivery.Kind{delivery.Temporary, delivery.Identities}
	}
	return []delivery.Kind{delivery.Temporary}
}

// fileKinds says how a file must look, for each kind that the centre may deliver. behalf
// is the centre's number if a processor asks.
func (h *Handlers) fileKinds(v *page.Visit, centre account.Centre, behalf string) []templates.FileKind {
	t := v.T
	var out []templates.FileKind
	for _, kind := range kindsOf(centre) {
		k := templates.FileKind{Key: string(kind)}
		for _, d := range h.o.Columns.Describe(kind, centre.Number) {
			k.Columns = append(k.Columns, templates.FileColumn{
				Header: d.Header, Required: example.Required(t, d), Explain: t.T("column." + d.Kind), Example: d.Example,
				Also: strings.Join(d.Also, ", "),
			})
		}
		for name, of := range exampleKinds {
			for _, format := range example.Formats {
				if of == kind {
					href := page.Link("/aanleveringen/voorbeeld/"+name+"."+format, behalfParam, behalf)
					k.Examples = append(k.Examples, templates.Option{Value: href, Text: t.T("upload.format." + format)})
				}
			}
		}
		out = append(out, k)
	}
	return out
}

// DownloadExample is GET /aanleveringen/voorbeeld/{name}?namens=.
func (h *Handlers) DownloadExample(v *page.Visit) error {
	centre, err := centreOf(v)
	if err != nil {
		return err
	}
	name, format, _ := strings.Cut(v.R.PathValue("name"), ".")
	kind, ok := exampleKinds[name]
	if !ok || !slices.Contains(example.Formats, format) || !slices.Contains(kindsOf(centre), kind) {
		return apperr.New(apperr.NotFound, "not_found")
	}
	f := example.File{
		Kind: kind, Columns: h.o.Columns.Describe(kind, centre.Number), Types: h.o.Types,
		System: cmp.Or(centre.NumberSystem, "urn:sluis:patient-number:"+centre.Number),
	}
	var b bytes.Buffer
	if err := f.Write(&b, format, v.T); err != nil {
		return err
	}
	v.W.Header().Set("Content-Type", example.ContentTypes[format])
	v.W.Header().Set("Content-Disposition", `attachment; filename="voorbeeld-`+name+"."+format+`"`)
	_, err = v.W.Write(b.Bytes())
	return err
}
