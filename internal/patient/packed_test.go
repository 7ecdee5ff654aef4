package patient

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestPackedRowsComeBack(t *testing.T) {
	display := Display{Number: "0123 é", Birth: Birth{1970, 1, 2}, Sex: Female}
	exchange := []InExchange{
		{Ref: "r1", Line: 2, Display: display, Temporaries: []Temporary{
			{Type: "NGGV", Value: "abc", ExpiresAt: time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)}, {Type: "PGG", Value: "d", RecordedOn: "2020-01-01"},
		}},
		{Ref: "r2", Line: 1_000_001, Display: Display{Birth: Birth{Year: 1950}}, Legacy: &Legacy{ID: "17", DiedOn: "2020-02-03", Version: 4}, Temporaries: []Temporary{}},
	}
	set := []Candidate{
		{Line: 2, Display: display, Pseudonyms: []Pseudonym{
			{Type: "NGGV", Domain: "qrns", KeyVersion: 2, Value: "v2.ABC", ObservedOn: "2026-11-25"},
			{Type: "PGG", Domain: "qrns", KeyVersion: 1, Value: "v1.D", RecordedOn: "2020-01-01", ObservedOn: "2020-01-01"},
		}},
		{Line: 3, Legacy: &Legacy{ID: "18"}, Pseudonyms: []Pseudonym{}},
	}
	if got, err := UnpackExchange(PackExchange(exchange)); err != nil || !reflect.DeepEqual(got, exchange) {
		t.Errorf("%+v (%v)", got, err)
	}
	if got, err := UnpackCandidates(PackCandidates(set)); err != nil || !reflect.DeepEqual(got, set) {
		t.Errorf("%+v (%v)", got, err)
	}
	// As chunks of older versions hold them.
	raw, _ := json.Marshal(exchange)
	if got, err := UnpackExchange(raw); err != nil || !reflect.DeepEqual(got, exchange) {
		t.Errorf("JSON: %+v (%v)", got, err)
	}
	raw, _ = json.Marshal(set)
	if got, err := UnpackCandidates(raw); err != nil || !reflect.DeepEqual(got, set) {
		t.Errorf("JSON: %+v (%v)", got, err)
	}
}

// TestHashesStay: hashes are stored, so they must come out the same for ever.
func TestHashesStay(t *testing.T) {
	p := Pseudonym{Type: "NGGV", Domain: "qrns", KeyVersion: 12, Value: "v12.ABC", ObservedOn: "2026-11-25"}
	dated := Pseudonym{Type: "PGG", Domain: "qrns", KeyVersion: 1, Value: "v1.D", RecordedOn: "2020-01-01"}
	c := Candidate{Display: Display{Number: "7", Birth: Birth{1970, 1, 2}, Sex: Female}, Pseudonyms: []Pseudonym{p, dated}}
	if a, b, d := p.Hash(), dated.Hash(), c.ContentHash(); a != 8394346768562795658 || b != -3969328939395671985 || d != 7155667211842749585 {
		t.Errorf("hashes = %d, %d, %d", a, b, d)
	}
}
