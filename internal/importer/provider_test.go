package importer_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

// TestAnotherCentresPseudonymsAreRefused: a file of temporary pseudonyms that another
// hospital fetched stores nothing, whoever delivers it.
func TestAnotherCentresPseudonymsAreRefused(t *testing.T) {
	ttp := ttptest.Start(t)
	for provider, refused := range map[string]bool{"2809": false, "2810": true} {
		p := newPlantAt(t, ttp, 4, time.Now)
		var file strings.Builder
		_, _, err := ttp.Sandbox.Pseudonymise(t.Context(), strings.NewReader(lines(3, 0)), &file, io.Discard,
			ttpsandbox.Order{Provider: provider})
		if err != nil {
			t.Fatal(err)
		}
		id := p.receive(t, delivery.Save, false, file.String())
		p.settle(t)
		d := p.delivery(t, id)
		if !refused {
			if d.State != delivery.Done || d.Counts.Created != 3 {
				t.Errorf("its own: %s %+v", d.State, d.Counts)
			}
			continue
		}
		if d.State != delivery.Done || d.Counts.Rejected != 3 || p.total(t) != 0 {
			t.Errorf("another's: %s %+v", d.State, d.Counts)
		}
		for _, f := range p.findings(t, id) {
			if f.Code != "2205" || f.Message != "Het tijdelijke pseudoniem is door een andere instelling opgehaald" {
				t.Errorf("%+v", f)
			}
		}
	}
}
