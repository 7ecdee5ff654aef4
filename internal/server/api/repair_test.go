package api_test

import (
	"testing"

	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

func TestRepairByAPI(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	deliver := func(query, content string) servertest.Answer {
		return s.Call("uploader", "POST", "/api/v1/deliveries?filename=x.csv"+query, "text/csv", content)
	}
	first := finished(t, s, d, "uploader", value[api.Accepted](t, deliver("", servertest.Pilot(t))).ID)
	second := finished(t, s, d, "uploader", value[api.Accepted](t, deliver("&repairs="+first.ID, servertest.Mended(3))).ID)
	if second.Repairs != first.ID || second.Counts.Created != 3 {
		t.Errorf("%+v", second)
	}
	got := finished(t, s, d, "uploader", first.ID)
	if r := got.Repaired; r == nil || *r != (api.Repaired{Deliveries: 1, Repaired: 3, Open: 1}) {
		t.Errorf("%+v", r)
	}
	d.problem("nothing to repair", deliver("&repairs="+finished(t, s, d, "uploader",
		value[api.Accepted](t, deliver("", servertest.Mended(4))).ID).ID, servertest.Mended(4)), 409, "delivery_not_repairable")
	d.problem("no such delivery", deliver("&repairs=0197a3f2-7c1e-7b3d-9a52-3f6f0c1d2e4b", servertest.Mended(4)), 404, "not_found")
	other := s.Call("other", "POST", "/api/v1/deliveries?filename=x.csv&repairs="+first.ID, "text/csv", servertest.Mended(3))
	d.problem("another centre", other, 404, "not_found")
}
