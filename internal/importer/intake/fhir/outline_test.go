package fhir_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluis/internal/importer/intake/fhir"
)

// TestOutlineCountsLikeSource checks that the places of an outline are the lines of the
// rows of the same text.
func TestOutlineCountsLikeSource(t *testing.T) {
	for name, raw := range map[string]string{
		"a Bundle":           bundle(jansen, `{"resourceType":"Observation"}`, berg),
		"Bundles in Bundles": bundle(jansen, bundle(jansen, bundle(), berg), `{"resourceType":"Basic"}`, berg),
		"what is no object":  bundle(`7`, `null`, jansen, `[]`, berg),
		"deletions": `{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE"}},{"resource":` + jansen +
			`,"request":{"method":"DELETE"}},{"resource":` + berg + `,"request":{"method":"PUT"}},null,3,{"resource":` + jansen +
			`,"request":4}]}`,
		"a broken inner list": bundle(jansen, `{"resourceType":"Bundle","entry":4}`, berg),
		"entries twice":       strings.TrimSuffix(bundle(jansen), "}") + `,"entry":[{"resource":` + berg + `}]}`,
		"deep":                bundle(bundle(bundle(bundle(bundle(bundle(bundle(bundle(bundle(jansen), berg)), jansen)))))),
	} {
		_, rows, _, err := read(raw, options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var want []int
		for _, r := range rows {
			line, _, _ := strings.Cut(r, "|")
			n, _ := strconv.Atoi(line)
			want = append(want, n)
		}
		o, err := fhir.ReadOutline(strings.NewReader(raw))
		var got []int
		for i, s := range o.Spots {
			if s.Holds == fhir.HoldsPatient {
				got = append(got, i+1)
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: places %v, rows at %v, %v", name, got, want, err)
		}
	}
}

func TestOutlineOfWhatIsNotTaken(t *testing.T) {
	for raw, want := range map[string]error{
		"": fhir.ErrMalformed, "[" + jansen + "]": fhir.ErrMalformed, jansen + jansen: fhir.ErrMalformed, jansen[:20]: fhir.ErrMalformed,
		`{"resourceType":"Bundle","entry":{}}`: fhir.ErrMalformed, `{}`: fhir.ErrNotTaken, `{"resourceType":"Basic"}`: fhir.ErrNotTaken,
		`{"resourceType":7}`: fhir.ErrNotTaken, "\ufeff" + jansen: nil, `{"resourceType":"Bundle"}`: nil,
	} {
		if _, err := fhir.ReadOutline(strings.NewReader(raw)); !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", raw, err, want)
		}
	}
}
