package e2e

import (
	"archive/zip"
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// repairing delivers rows with names that are rejected, and repairs of them. It puts
// names in every request for a repair or a report.
func (s *sieve) repairing() {
	s.t.Helper()
	bad := func(place string) string { return "2809;gisteren;m;" + s.newNumber() + ";" + s.name(place) + ";van;Q" }
	lines := []string{header, bad("to repair"), bad("to repair still")}
	first := s.deliver("to repair", "", file(lines...), "done")
	good := strings.ReplaceAll(strings.ReplaceAll(lines[1], "gisteren", "1-2-1970"), s.name("to repair"), s.name("repaired"))
	s.deliver("the repair", "&repairs="+first, file(header, good, lines[2]), "done")
	for _, id := range []string{first, url.QueryEscape(s.name("repaired id"))} {
		s.web.do(outgoing{method: http.MethodGet, path: "/aanleveringen/nieuw?herstelt=" + id, reshown: id != first})
		// Both are refused: there is no such delivery, or the file is empty.
		a := s.post("/api/v1/deliveries?filename=x.csv&repairs="+id, "text/csv", strings.NewReader(""))
		if a.status == http.StatusAccepted {
			s.t.Errorf("an empty file, repairing %s: %d", id, a.status)
		}
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for _, field := range [][2]string{{"mode", "save"}, {"herstelt", id}} {
			if err := w.WriteField(field[0], field[1]); err != nil {
				s.t.Fatal(err)
			}
		}
		part, err := w.CreateFormFile("file", "leeg.csv")
		if err == nil && id != first {
			_, err = part.Write(file(header, s.plainRow("in a repair of nothing")))
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			s.t.Fatal(err)
		}
		s.web.do(outgoing{method: http.MethodPost, path: "/aanleveringen", kind: w.FormDataContentType(), body: &body})
	}
	path := "/aanleveringen/" + first + "/fouten"
	in := func(place string) string { return url.QueryEscape(s.name(place)) }
	path += "?weergave=" + in("view") + "&ernst=" + in("severity") + "&kolom=" + in("facet") + "&code=" + in("code") +
		"&sorteer=" + in("order") + "&richting=" + in("way") + "&vanaf=" + in("offset")
	s.web.do(outgoing{method: http.MethodGet, path: path, reshown: true})
	s.reports(s.web, first)
}

// reports reads a report in every view and as a workbook. It keeps the unzipped parts
// of the workbook as answers too, for the sweep.
func (s *sieve) reports(v *visitor, id string) {
	s.t.Helper()
	path := "/aanleveringen/" + id + "/fouten"
	for _, view := range []string{"", "?weergave=records&sorteer=ernst&richting=af", "?weergave=afdruk"} {
		v.get(path + view)
	}
	a := v.get(path + ".xlsx")
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		s.t.Fatalf("the report as a workbook: %v", err)
	}
	for _, part := range z.File {
		r, err := part.Open()
		if err != nil {
			s.t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			s.t.Fatal(err)
		}
		s.web.answers.Write(raw)
	}
}
