package server_test

import (
	"net/http"
	"strings"
	"testing"

	"sluis/internal/server/api"
)

// mended gives the pilot's four rejected rows, the first so many of them put right.
func mended(good int) string {
	rows := []string{"2809;1-2-1970;m;987654;Eend;;A", "2809;1-5-1969;v;8561234897;Fuut;;B", "2809;1-1-1971;m;666;Gans;;C", "2809;3-4-1950;v;001;Haan;;D"}
	bad := []string{"2809;;m;987654;Eend;;A", "2809;;v;8561234897;Fuut;;B", "2809;;m;666;Gans;;C", "2809;;v;001;Haan;;D"}
	return entryHeader + strings.Join(append(rows[:good:good], bad[good:]...), "\n") + "\n"
}

// repairing posts the upload form as the page of a delivery leads to it.
func (b *browser) repairing(of string, ticked bool, content string) answer {
	b.s.t.Helper()
	id := strings.TrimPrefix(of, "/aanleveringen/")
	form := b.get("/aanleveringen/nieuw?herstelt=" + id)
	if form.Status != http.StatusOK || !strings.Contains(form.Body, `value="`+id+`" checked`) {
		b.s.t.Fatalf("the form does not name the delivery: %d\n%s", form.Status, form.Body)
	}
	parts := []part{{"mode", "", "save"}}
	if ticked {
		parts = append(parts, part{"herstelt", "", id})
	}
	kind, body := multipartBody(append(parts, part{"file", "herstel.csv", content})...)
	return b.do("POST", strings.ReplaceAll(action(form.Body), "&amp;", "&"), kind, body)
}

func (b *browser) says(path string, want ...string) {
	b.s.t.Helper()
	page := b.get(path)
	for _, w := range want {
		if !strings.Contains(page.Body, w) {
			b.s.t.Errorf("%s does not say %q:\n%s", path, w, page.Body)
		}
	}
}

// From the result to a mended file and back: both say how far it is.
func TestRepair(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	first := b.upload("save", "pilot40.csv", pilot(t)).location()
	id := strings.TrimPrefix(first, "/aanleveringen/")
	b.says(first, `href="/aanleveringen/nieuw?herstelt=`+id+`"`)
	b.says("/aanleveringen/nieuw?herstelt="+id, "pilot40.csv", "4 records afgewezen", "Dit bestand herstelt een eerdere aanlevering")

	// A try that goes wrong keeps the link, and keeps it off where it was taken off.
	for _, ticked := range []bool{true, false} {
		parts := []part{{"mode", "", "save"}}
		if ticked {
			parts = append(parts, part{"herstelt", "", id})
		}
		kind, body := multipartBody(append(parts, part{"file", "leeg.csv", ""})...)
		again := b.do("POST", "/aanleveringen?herstelt="+id, kind, body)
		if again.Status != http.StatusUnprocessableEntity || strings.Contains(again.Body, `value="`+id+`" checked`) != ticked || !strings.Contains(again.Body, `value="`+id+`"`) {
			t.Errorf("ticked %v: %d\n%s", ticked, again.Status, again.Body)
		}
	}

	loose := b.repairing(first, false, mended(4)).location()
	if page := b.get(first).Body; strings.Contains(page, "hersteld") || strings.Contains(b.get(loose).Body, "Herstelt") {
		t.Error("a file whose link was dropped repairs all the same")
	}
	second := b.repairing(first, true, mended(3)).location()
	b.says(first, "3 van 4 hersteld", `href="`+second+`"`, "Regel 39, patiëntnummer 001", "De rest herstellen")
	b.says(second, "Herstelt een eerdere aanlevering: 3 van 4 hersteld", `href="`+first+`"`, "Regel 39, patiëntnummer 001")
	b.says("/aanleveringen?groep=to_mend", first, second, "3 van 4 hersteld")
	third := b.repairing(second, true, mended(4)).location()
	b.says(first, "4 van 4 hersteld", "Er is niets meer te herstellen.", second, third)
	b.says(second, "Herstelt een eerdere aanlevering: 4 van 4 hersteld", "1 van 1 hersteld")
	if list := b.get("/aanleveringen?groep=to_mend").Body; !strings.Contains(list, "Er is niets te herstellen.") {
		t.Errorf("what is repaired is still to be repaired:\n%s", list)
	}
	if page := b.get("/").Body; strings.Contains(page, "te herstellen") {
		t.Error("the overview still counts them")
	}

	if a := b.get("/aanleveringen/nieuw?herstelt=" + strings.TrimPrefix(third, "/aanleveringen/")); a.Status != http.StatusConflict {
		t.Errorf("a delivery without a fault can be repaired: %d", a.Status)
	}
	other := s.signedIn("other")
	if a := other.get("/aanleveringen/nieuw?herstelt=" + id); a.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", a.Status)
	}
	kind, body := multipartBody(part{"mode", "", "save"}, part{"herstelt", "", id}, part{"file", "x.csv", mended(4)})
	if a := other.do("POST", "/aanleveringen", kind, body); a.Status != http.StatusNotFound {
		t.Errorf("another centre repairs it: %d", a.Status)
	}
}

func TestRepairOfARefusedFile(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	first := b.upload("save", "bsn.csv", "BSN;Geslacht\n1;m\n").location()
	b.says(first, "bestand", `href="/aanleveringen/nieuw?herstelt=`)
	second := b.repairing(first, true, mended(4)).location()
	b.says(first, "Opnieuw aangeleverd", second)
	b.says(second, "Herstelt een eerdere aanlevering", "bestand afgekeurd")
	if list := b.get("/aanleveringen?groep=to_mend").Body; strings.Contains(list, first) {
		t.Error("the refused file is still to be repaired")
	}
}

func TestRepairByAPI(t *testing.T) {
	s, d := newSite(t), describe(t)
	deliver := func(query, content string) answer {
		return s.call("uploader", "POST", "/api/v1/deliveries?filename=x.csv"+query, "text/csv", content)
	}
	first := s.finished(d, "uploader", value[api.Accepted](t, deliver("", pilot(t))).ID)
	second := s.finished(d, "uploader", value[api.Accepted](t, deliver("&repairs="+first.ID, mended(3))).ID)
	if second.Repairs != first.ID || second.Counts.Created != 3 {
		t.Errorf("%+v", second)
	}
	got := s.finished(d, "uploader", first.ID)
	if r := got.Repaired; r == nil || *r != (api.Repaired{Deliveries: 1, Repaired: 3, Open: 1}) {
		t.Errorf("%+v", r)
	}
	d.problem("nothing to repair", deliver("&repairs="+s.finished(d, "uploader", value[api.Accepted](t, deliver("", mended(4))).ID).ID, mended(4)), 409, "delivery_not_repairable")
	d.problem("no such delivery", deliver("&repairs=0197a3f2-7c1e-7b3d-9a52-3f6f0c1d2e4b", mended(4)), 404, "not_found")
	other := s.call("other", "POST", "/api/v1/deliveries?filename=x.csv&repairs="+first.ID, "text/csv", mended(3))
	d.problem("another centre", other, 404, "not_found")
}
