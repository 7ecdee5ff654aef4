package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/store"
)

// mandated is a centre, a processor, a mandate between them and what the processor may see.
type mandated struct {
	centre    account.Centre
	processor account.Processor
	staff     account.User
	mandate   account.Mandate
	mine      account.Scope
}

func (m mandated) file() delivery.New {
	return delivery.New{
		PublicID: uuid.NewString(), CentreID: m.centre.ID, ProcessorID: m.processor.ID, Filename: "x.csv", Mode: delivery.Save,
		Via: audit.ViaAPI, Who: who, KeyID: "k", WrappedKey: []byte("w"), At: time.Now(),
	}
}

// mandates: two of one centre for one processor do not overlap; a delivery is made and
// stored under a mandate that is in force, and no other.
func mandates(t *testing.T, s *store.Store) {
	var m mandated
	t.Run("granted", func(t *testing.T) { m = grantedMandates(t, s) })
	if m.staff.ID == 0 {
		return // the next step needs it
	}
	t.Run("withdrawn", func(t *testing.T) { withdrawnMandate(t, s, m) })
}

func grantedMandates(t *testing.T, s *store.Store) mandated {
	c := newCentre(t, s)
	p, err := s.AddProcessor(t.Context(), who, account.Processor{Name: "Verwerker " + c.Number}, "overeenkomst")
	ok(t, err)
	if _, err := s.AddProcessor(t.Context(), who, account.Processor{Name: p.Name}, "overeenkomst"); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("a second processor of this name: %v", err)
	}
	u, err := s.AddUser(t.Context(), who, account.User{
		Email: uuid.NewString() + "@example.org", PasswordHash: "x", Roles: []account.Role{account.ProcessorStaff}, Processor: &p,
	})
	ok(t, err)
	out := mandated{centre: c, processor: p, staff: u}
	if _, err := s.CreateDelivery(t.Context(), out.file()); apperr.KindOf(err) != apperr.Forbidden {
		t.Errorf("a delivery without a mandate: %v", err)
	}
	now := time.Now()
	grant := func(from, until time.Time) (account.Mandate, error) {
		return s.GrantMandate(t.Context(), who, account.Mandate{Processor: p, Centre: c, From: from, Until: until, Reason: "overeenkomst"})
	}
	out.mandate, err = grant(now.Add(-time.Hour), now.Add(time.Hour))
	ok(t, err)
	for _, span := range [][2]time.Time{{now, {}}, {now.Add(-2 * time.Hour), {}}, {now.Add(-2 * time.Hour), now}, {now, now.Add(time.Minute)}} {
		if _, err := grant(span[0], span[1]); apperr.CodeOf(err) != "mandate_exists" {
			t.Errorf("one that overlaps, %v: %v", span, err)
		}
	}
	_, err = grant(now.Add(time.Hour), time.Time{}) // begins as the first ends
	ok(t, err)
	me, err := s.UserByID(t.Context(), u.ID)
	ok(t, err)
	if me.Processor == nil || len(me.Processor.Centres) != 1 || me.Processor.Centres[0].ID != c.ID {
		t.Fatalf("the processor of the user: %+v", me.Processor)
	}
	out.mine = account.ActorOf(me).Scope()
	return out
}

func withdrawnMandate(t *testing.T, s *store.Store, m mandated) {
	c := m.centre
	d := m.file()
	id, err := s.CreateDelivery(t.Context(), d)
	ok(t, err)
	late, err := s.CreateDelivery(t.Context(), m.file())
	ok(t, err)
	ok(t, s.FinishUpload(t.Context(), id, []byte("mac"), 1, who))
	seen, err := s.Delivery(t.Context(), m.mine, d.PublicID)
	ok(t, err)
	if seen.Processor != m.processor.Name || seen.ProcessorID != m.processor.ID {
		t.Errorf("%+v", seen)
	}
	if page, err := s.Deliveries(t.Context(), who, of(c), delivery.Query{}); err != nil || len(page.Deliveries) != 1 {
		t.Errorf("the centre sees %d deliveries: %v", len(page.Deliveries), err)
	}

	other := newCentre(t, s)
	if err := s.WithdrawMandate(t.Context(), who, of(other), m.mandate.PublicID, "opgezegd"); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("withdrawn by another centre: %v", err)
	}
	ok(t, s.WithdrawMandate(t.Context(), who, of(c), m.mandate.PublicID, "opgezegd"))
	if err := s.WithdrawMandate(t.Context(), who, of(c), m.mandate.PublicID, "opgezegd"); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("withdrawn twice: %v", err)
	}
	ended, err := s.Delivery(t.Context(), of(c), d.PublicID)
	ok(t, err)
	if ended.State != delivery.Failed || ended.FailCode != "mandate_ended" {
		t.Errorf("the delivery under way: %s %s", ended.State, ended.FailCode)
	}
	if err := s.FinishUpload(t.Context(), late, []byte("mac"), 1, who); apperr.KindOf(err) != apperr.Forbidden {
		t.Errorf("an upload that ends after the mandate: %v", err)
	}
	ok(t, s.DropUpload(t.Context(), late))
	me, err := s.UserByID(t.Context(), m.staff.ID)
	ok(t, err)
	if _, err := s.Delivery(t.Context(), account.ActorOf(me).Scope(), d.PublicID); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("the processor still sees it: %v", err)
	}
}
