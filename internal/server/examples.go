package server

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/server/example"
	"sluis/internal/server/request"
	"sluis/web/templates"
)

// exampleKinds are the kinds of files by the names of their examples.
var exampleKinds = map[string]delivery.Kind{"tijdelijke-pseudoniemen": delivery.Temporary, "persoonsgegevens": delivery.Identities}

// kindsOf are the kinds of files that a centre may deliver, the usual one first.
func kindsOf(c account.Centre) []delivery.Kind {
	if c.IdentitiesAllowed {
		return []delivery.Kind{delivery.Temporary, delivery.Identities}
	}
	return []delivery.Kind{delivery.Temporary}
}

// fileKinds says how a file must look, for each kind that the centre may deliver.
func (s *Server) fileKinds(r *http.Request, centre account.Centre) []templates.FileKind {
	t := s.text(r)
	var out []templates.FileKind
	for _, kind := range kindsOf(centre) {
		k := templates.FileKind{Key: string(kind)}
		for _, d := range s.Columns.Describe(kind, centre.Number) {
			k.Columns = append(k.Columns, templates.FileColumn{
				Header: d.Header, Required: example.Required(t, d), Explain: t.T("column." + d.Kind), Example: d.Example, Also: strings.Join(d.Also, ", "),
			})
		}
		for name, of := range exampleKinds {
			for _, format := range example.Formats {
				if of == kind {
					k.Examples = append(k.Examples, templates.Option{Value: "/aanleveringen/voorbeeld/" + name + "." + format, Text: t.T("upload.format." + format)})
				}
			}
		}
		out = append(out, k)
	}
	return out
}

// downloadExample is GET /aanleveringen/voorbeeld/{name}.
func (s *Server) downloadExample(w http.ResponseWriter, r *http.Request) error {
	centre := request.Actor(r).Centre
	if centre == nil {
		return apperr.New(apperr.Forbidden, "centre_missing")
	}
	name, format, _ := strings.Cut(chi.URLParam(r, "name"), ".")
	kind, ok := exampleKinds[name]
	if !ok || !slices.Contains(example.Formats, format) || !slices.Contains(kindsOf(*centre), kind) {
		return apperr.New(apperr.NotFound, "not_found")
	}
	f := example.File{
		Kind: kind, Columns: s.Columns.Describe(kind, centre.Number), Types: s.Types,
		System: cmp.Or(centre.NumberSystem, "urn:sluis:patient-number:"+centre.Number),
	}
	var b bytes.Buffer
	if err := f.Write(&b, format, s.text(r)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", example.ContentTypes[format])
	w.Header().Set("Content-Disposition", `attachment; filename="voorbeeld-`+name+"."+format+`"`)
	_, err := w.Write(b.Bytes())
	return err
}
