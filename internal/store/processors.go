package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
)

type processorRow struct {
	ID           int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID     string
	Name         string
	ContactName  string
	ContactEmail string
	ContactPhone string
	CreatedBy    string
	CreatedAt    time.Time
}

func (processorRow) TableName() string { return "processors" }

func (r processorRow) processor() account.Processor {
	return account.Processor{
		ID: r.ID, PublicID: r.PublicID, Name: r.Name, ContactName: r.ContactName, ContactEmail: r.ContactEmail,
		ContactPhone: r.ContactPhone, CreatedAt: r.CreatedAt.UTC(),
	}
}

type mandateRow struct {
	ID              int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID        string
	ProcessorID     int64
	CentreID        int64
	FromAt          time.Time
	UntilAt         *time.Time
	Reason          string
	GrantedBy       string
	GrantedAt       time.Time
	WithdrawnAt     *time.Time
	WithdrawnBy     string
	WithdrawnReason string
}

func (mandateRow) TableName() string { return "mandates" }

func (r mandateRow) mandate(orgs organisations) account.Mandate {
	return account.Mandate{
		ID: r.ID, PublicID: r.PublicID, Processor: orgs.processors[r.ProcessorID], Centre: orgs.centres[r.CentreID],
		From: r.FromAt.UTC(), Until: moment(r.UntilAt), Reason: r.Reason, GrantedBy: r.GrantedBy, GrantedAt: r.GrantedAt.UTC(),
		WithdrawnAt: moment(r.WithdrawnAt), WithdrawnBy: r.WithdrawnBy, WithdrawnReason: r.WithdrawnReason,
	}
}

// organisations are the centres and the processors to which users and tokens belong, by
// their ids.
type organisations struct {
	centres    map[int64]account.Centre
	processors map[int64]account.Processor
}

func (o organisations) centre(id *int64) *account.Centre {
	if id == nil {
		return nil
	}
	if c, ok := o.centres[*id]; ok {
		return &c
	}
	return nil
}

func (o organisations) processor(id *int64) *account.Processor {
	if id == nil {
		return nil
	}
	if p, ok := o.processors[*id]; ok {
		return &p
	}
	return nil
}

// everyOrganisation reads all of them. The processors have no centres yet.
func everyOrganisation(db *gorm.DB) (organisations, error) {
	centres, err := centresByID(db)
	if err != nil {
		return organisations{}, err
	}
	var rows []processorRow
	if err := db.Find(&rows).Error; err != nil {
		return organisations{}, err
	}
	processors := make(map[int64]account.Processor, len(rows))
	for _, r := range rows {
		processors[r.ID] = r.processor()
	}
	return organisations{centres, processors}, nil
}

// organisationsOf reads the centre and the processor with these ids; nil is none. The
// processor has the centres that gave it a mandate which is in force now.
func (s *Store) organisationsOf(ctx context.Context, centreID, processorID *int64) (organisations, error) {
	var o organisations
	if centreID != nil {
		c, err := s.CentreByID(ctx, *centreID)
		if err != nil {
			return o, err
		}
		o.centres = map[int64]account.Centre{*centreID: c}
	}
	if processorID == nil {
		return o, nil
	}
	var r processorRow
	if err := first(s.read(ctx).Where("id = ?", *processorID), &r); err != nil {
		return o, s.dialect.clean(err)
	}
	p := r.processor()
	var rows []centreRow
	err := s.read(ctx).Where("id IN (?)", inForce(s.read(ctx).Table("mandates").Select("centre_id"), p.ID, s.clock())).Order("number").
		Find(&rows).Error
	for _, c := range rows {
		p.Centres = append(p.Centres, c.centre())
	}
	o.processors = map[int64]account.Processor{p.ID: p}
	return o, s.dialect.clean(err)
}

// inForce limits a query of mandates to those of a processor that are in force.
func inForce(db *gorm.DB, processorID int64, at time.Time) *gorm.DB {
	return db.Where("processor_id = ? AND withdrawn_at IS NULL", processorID).
		Where("from_at <= ? AND (until_at IS NULL OR until_at > ?)", at, at)
}

// requireMandate returns apperr.Forbidden "mandate_missing" if a processor has no mandate
// of a centre that is in force. A processor of 0 needs none. What is done under a mandate
// while it is withdrawn is found out at the delivery's next step.
func (t *tx) requireMandate(processorID, centreID int64) error {
	if processorID == 0 {
		return nil
	}
	var n int64
	err := inForce(t.db.Table("mandates"), processorID, t.at).Where("centre_id = ?", centreID).Count(&n).Error
	if err == nil && n == 0 {
		err = errNoMandate
	}
	return err
}

var errNoMandate = apperr.New(apperr.Forbidden, account.MandateNone)

// Processors returns every processor, ordered by name.
func (s *Store) Processors(ctx context.Context) ([]account.Processor, error) {
	var rows []processorRow
	if err := s.read(ctx).Order("name").Find(&rows).Error; err != nil {
		return nil, s.dialect.clean(err)
	}
	out := make([]account.Processor, len(rows))
	for i, r := range rows {
		out[i] = r.processor()
	}
	return out, nil
}

// AddProcessor stores a new processor. If there is one with this name already, the error is
// apperr.Conflict "processor_exists".
func (s *Store) AddProcessor(ctx context.Context, who audit.Who, p account.Processor, reason string) (account.Processor, error) {
	exists := apperr.New(apperr.Conflict, "processor_exists")
	err := s.write(ctx, func(t *tx) error {
		var same int64
		if err := t.db.Model(&processorRow{}).Where("name = ?", p.Name).Count(&same).Error; err != nil {
			return err
		}
		if same > 0 {
			return exists
		}
		var err error
		if p.ID, err = t.next("processors", 1); err != nil {
			return err
		}
		if p.PublicID, err = publicID(); err != nil {
			return err
		}
		row := processorRow{
			ID: p.ID, PublicID: p.PublicID, Name: p.Name, ContactName: p.ContactName, ContactEmail: p.ContactEmail,
			ContactPhone: p.ContactPhone, CreatedBy: cut(who.Name, 300), CreatedAt: t.at,
		}
		if err := t.db.Create(&row).Error; t.dialect.duplicate(err) {
			return exists
		} else if err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Create, Who: who, ObjectType: "processor", ObjectID: p.PublicID, Reason: reason,
		})
	})
	return p, err
}

// Mandates returns the mandates of the centres in scope, the newest first, with the event
// of who asked.
func (s *Store) Mandates(ctx context.Context, who audit.Who, scope account.Scope) (list []account.Mandate, err error) {
	err = s.write(ctx, func(t *tx) error {
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		var rows []mandateRow
		if err := inPeopleScope(t.db, scope).Order("id DESC").Limit(maxMandates).Find(&rows).Error; err != nil {
			return err
		}
		list = make([]account.Mandate, len(rows))
		for i, r := range rows {
			list[i] = r.mandate(orgs)
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "mandate"})
	})
	return list, err
}

// maxMandates is how many mandates a page shows.
const maxMandates = 500

// Mandate returns one mandate of a centre in scope, with the event of who asked; or
// apperr.NotFound.
func (s *Store) Mandate(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (m account.Mandate, err error) {
	err = s.write(ctx, func(t *tx) error {
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		var r mandateRow
		if err := first(inPeopleScope(t.db, scope).Where("public_id = ?", publicID), &r); err != nil {
			return err
		}
		m = r.mandate(orgs)
		return t.record(audit.Event{
			Type: audit.AccountsListed, Action: audit.Read, Who: onBehalf(who, r.CentreID), ObjectType: "mandate", ObjectID: r.PublicID,
		})
	})
	return m, err
}

// onBehalf is who, acting on behalf of a centre. Whoever has a centre keeps it.
func onBehalf(who audit.Who, centreID int64) audit.Who {
	if who.CentreID == 0 {
		who.CentreID = centreID
	}
	return who
}

// GrantMandate stores a mandate of m.Centre for m.Processor. If the two have another one
// that covers a part of the same time, the error is apperr.Conflict "mandate_exists".
func (s *Store) GrantMandate(ctx context.Context, who audit.Who, m account.Mandate) (account.Mandate, error) {
	err := s.write(ctx, func(t *tx) error {
		// The centre's row is locked first, so that of two who grant the same one is refused.
		var centre centreRow
		if err := first(t.dialect.forUpdate(t.db, "centres").Where("id = ?", m.Centre.ID), &centre); err != nil {
			return err
		}
		others := t.db.Model(&mandateRow{}).
			Where("processor_id = ? AND centre_id = ? AND withdrawn_at IS NULL", m.Processor.ID, m.Centre.ID).
			Where("(until_at IS NULL OR until_at > ?)", stamp(m.From))
		if !m.Until.IsZero() {
			others = others.Where("from_at < ?", stamp(m.Until))
		}
		var overlapping int64
		if err := others.Count(&overlapping).Error; err != nil {
			return err
		}
		if overlapping > 0 {
			return apperr.New(apperr.Conflict, "mandate_exists")
		}
		var err error
		if m.ID, err = t.next("mandates", 1); err != nil {
			return err
		}
		if m.PublicID, err = publicID(); err != nil {
			return err
		}
		m.GrantedBy, m.GrantedAt = cut(who.Name, 300), t.at
		row := mandateRow{
			ID: m.ID, PublicID: m.PublicID, ProcessorID: m.Processor.ID, CentreID: m.Centre.ID, FromAt: stamp(m.From),
			UntilAt: pointer(m.Until), Reason: cut(m.Reason, account.MaxReason), GrantedBy: m.GrantedBy, GrantedAt: t.at,
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.MandateGranted, Action: audit.Create, Who: onBehalf(who, m.Centre.ID), ObjectType: "mandate", ObjectID: m.PublicID,
			Reason: m.Reason,
		})
	})
	return m, err
}

// WithdrawMandate ends a mandate of a centre in scope at once. What its processor delivered
// for the centre and is not stored yet is not stored any more: those deliveries fail with
// the code "mandate_ended". What is stored stays. The error is apperr.NotFound if there is
// no such mandate, and apperr.Conflict "mandate_withdrawn" if it was withdrawn before.
func (s *Store) WithdrawMandate(ctx context.Context, who audit.Who, scope account.Scope, publicID, reason string) error {
	var ended []int64
	err := s.write(ctx, func(t *tx) error {
		ended = nil
		var r mandateRow
		if err := first(inPeopleScope(t.dialect.forUpdate(t.db, "mandates"), scope).Where("public_id = ?", publicID), &r); err != nil {
			return err
		}
		if r.WithdrawnAt != nil {
			return apperr.New(apperr.Conflict, "mandate_withdrawn")
		}
		res := t.db.Exec("UPDATE mandates SET withdrawn_at = ?, withdrawn_by = ?, withdrawn_reason = ? WHERE id = ?",
			t.at, cut(who.Name, 300), cut(reason, account.MaxReason), r.ID)
		if err := one(res, errNotFound); err != nil {
			return err
		}
		who := onBehalf(who, r.CentreID)
		err := t.record(audit.Event{
			Type: audit.MandateWithdrawn, Action: audit.Update, Who: who, ObjectType: "mandate", ObjectID: r.PublicID, Reason: reason,
		})
		if err != nil {
			return err
		}
		ended, err = t.endDelegated(who, r.ProcessorID, r.CentreID)
		return err
	})
	for _, id := range ended {
		s.tidy(ctx, id, sealedParts...)
	}
	return err
}

// mandateEnded is the fail code of a delivery whose processor has no mandate any more.
const mandateEnded = "mandate_ended"

// endDelegated fails the deliveries of a processor for a centre that are under way, unless
// another mandate is in force. It returns their ids.
func (t *tx) endDelegated(who audit.Who, processorID, centreID int64) ([]int64, error) {
	switch err := t.requireMandate(processorID, centreID); {
	case err == nil:
		return nil, nil
	case apperr.KindOf(err) != apperr.Forbidden:
		return nil, err
	}
	var rows []deliveryRow
	err := t.db.Select("id, public_id").Where("processor_id = ? AND centre_id = ? AND state IN ?", processorID, centreID,
		stateNames(openStates)).Order("id").Find(&rows).Error
	var ended []int64
	for _, r := range rows {
		if err := t.end(r.ID, openStates, delivery.Failed, mandateEnded); err != nil {
			return nil, err
		}
		err := t.record(audit.Event{
			Type: audit.DeliveryFailed, Action: audit.Update, Result: audit.MinorFailure, Who: who, ObjectType: "delivery",
			ObjectID: r.PublicID, Code: mandateEnded,
		})
		if err != nil {
			return nil, err
		}
		ended = append(ended, r.ID)
	}
	return ended, err
}
