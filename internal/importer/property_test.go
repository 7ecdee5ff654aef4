package importer_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/ttpclient/ttptest"
)

// few people and few numbers, so that rows collide in every way.
func anyRow(t *rapid.T) string {
	person := rapid.IntRange(0, 7).Draw(t, "person")
	number := person
	if rapid.IntRange(0, 4).Draw(t, "stray") == 0 {
		number = rapid.IntRange(0, 7).Draw(t, "number")
	}
	birth := fmt.Sprintf("%d-%d-%d", person+1, person+1, 1950+person)
	sex := []string{"m", "v"}[person%2]
	switch rapid.IntRange(0, 11).Draw(t, "fault") {
	case 0:
		birth = ""
	case 1:
		birth = "gisteren"
	case 2:
		sex = "x"
	}
	return fmt.Sprintf("2809;%s;%s;%d;Naam%c;;%c\n", birth, sex, number, 'a'+person, 'A'+person)
}

// result is all that a plant made of its files.
type result struct {
	deliveries []string
	patients   []string
	reviews    int
}

func (p *plant) result(t *testing.T, ids []string) result {
	t.Helper()
	var r result
	for _, id := range ids {
		d := p.delivery(t, id)
		text := fmt.Sprintf("%s %+v", d.State, d.Counts)
		for _, f := range p.findings(t, id) {
			text += fmt.Sprintf("\n  line %d %s %s %s %v", f.Line, f.PatientNumber, f.Code, f.Field, f.Partners)
		}
		r.deliveries = append(r.deliveries, text)
	}
	numbers := []string{"0", "1", "2", "3", "4", "5", "6", "7"}
	found, err := p.store.PatientsByNumber(t.Context(), p.centre.ID, numbers)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range numbers {
		if q, ok := found[n]; ok {
			r.patients = append(r.patients, fmt.Sprintf("%s %s %s version %d %v", n, q.Birth, q.Sex, q.Version, q.Pseudonyms))
		}
	}
	if r.reviews, err = p.store.CountConflicts(t.Context(), p.scope()); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAnyInterleaving: however the work on some files is cut up and mixed, they
// end as if they had been done one after the other; and any of them once more
// changes nothing.
func TestAnyInterleaving(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		if err := f.Value.Set("12"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(f.DefValue) }()
	}
	ttp := ttptest.Start(t)
	rapid.Check(t, func(rt *rapid.T) {
		var files []string
		for range rapid.IntRange(1, 4).Draw(rt, "files") {
			files = append(files, head+strings.Join(rapid.SliceOfN(rapid.Custom(anyRow), 1, 20).Draw(rt, "rows"), ""))
		}
		rows := rapid.IntRange(1, 7).Draw(rt, "rows of a chunk")
		together, alone := newPlantAt(t, ttp, rows, time.Now), newPlantAt(t, ttp, 500, time.Now)
		defer func() { _, _ = together.store.Close(), alone.store.Close() }()

		ids := mixed(t, rt, together, files)
		var single []string
		for _, f := range files {
			single = append(single, alone.receive(t, delivery.Save, true, f))
			alone.settle(t)
		}
		got, want := together.result(t, ids), alone.result(t, single)
		if !slices.Equal(got.deliveries, want.deliveries) || !slices.Equal(got.patients, want.patients) || got.reviews != want.reviews {
			rt.Fatalf("mixed:\n%s\none by one:\n%s", show(got), show(want))
		}
		onceMore(t, rt, together, files[len(files)-1], ids[len(ids)-1])
	})
}

func show(r result) string {
	return strings.Join(r.deliveries, "\n") + "\n" + strings.Join(r.patients, "\n") + fmt.Sprintf("\n%d reviews", r.reviews)
}

// mixed takes the files in and works on them by one to three workers at once,
// in an order that the draw and the scheduler make.
func mixed(t *testing.T, rt *rapid.T, p *plant, files []string) []string {
	t.Helper()
	var ids []string
	for len(ids) < len(files) {
		if len(ids) == 0 || rapid.Bool().Draw(rt, "receive") {
			ids = append(ids, p.receive(t, delivery.Save, true, files[len(ids)]))
			continue
		}
		var workers sync.WaitGroup
		for range rapid.IntRange(1, 3).Draw(rt, "workers") {
			workers.Go(func() {
				if _, err := p.importer.Step(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		workers.Wait()
	}
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for {
				busy, err := p.importer.Step(t.Context())
				if err != nil {
					t.Error(err)
				}
				if !busy {
					return
				}
			}
		})
	}
	workers.Wait()
	p.settle(t)
	return ids
}

// onceMore delivers the last file again.
func onceMore(t *testing.T, rt *rapid.T, p *plant, file, before string) {
	t.Helper()
	first := p.delivery(t, before)
	reviews := p.result(t, nil).reviews
	patients := p.result(t, nil).patients
	again := p.receive(t, delivery.Save, true, file)
	p.settle(t)
	d := p.delivery(t, again)
	want := patient.Counts{
		Read: first.Counts.Read, Unchanged: first.Counts.Created + first.Counts.Updated + first.Counts.Unchanged,
		Rejected: first.Counts.Rejected, Review: first.Counts.Review,
	}
	if d.Counts != want || d.SameAs == "" {
		rt.Fatalf("the same file again: %+v, want %+v; same as %q\n%s", d.Counts, want, d.SameAs, file)
	}
	r := p.result(t, nil)
	if r.reviews != reviews || !slices.Equal(r.patients, patients) {
		rt.Fatalf("the same file again changed something: %d reviews, before %d\n%v\n%v", r.reviews, reviews, r.patients, patients)
	}
}
