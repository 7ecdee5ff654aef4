package patient

import "testing"

// TestHashesStay: hashes are stored, so they must come out the same for ever.
func TestHashesStay(t *testing.T) {
	p := Pseudonym{Type: "NGGV", Domain: "qrns", KeyVersion: 12, Value: "v12.ABC", ObservedOn: "2026-11-25"}
	dated := Pseudonym{Type: "PGG", Domain: "qrns", KeyVersion: 1, Value: "v1.D", RecordedOn: "2020-01-01"}
	c := Candidate{Display: Display{Number: "7", Birth: Birth{1970, 1, 2}, Sex: Female}, Pseudonyms: []Pseudonym{p, dated}}
	if a, b, d := p.Hash(), dated.Hash(), c.ContentHash(); a != 8394346768562795658 || b != -3969328939395671985 ||
		d != 7155667211842749585 {
		t.Errorf("hashes = %d, %d, %d", a, b, d)
	}
}
