package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/conversion"
)

type conversionReportRow struct {
	ID       int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID string
	Kind     string
	RunID    *int64
	Clean    bool
	MadeBy   string
	MadeAt   time.Time
	Document string
}

func (conversionReportRow) TableName() string { return "existing_reports" }

func (r conversionReportRow) report() conversion.Report {
	out := conversion.Report{
		ID:       r.ID,
		PublicID: r.PublicID,
		Kind:     conversion.Kind(r.Kind),
		Clean:    r.Clean,
		MadeBy:   r.MadeBy,
		MadeAt:   r.MadeAt.UTC(),
		Document: r.Document,
	}
	if r.RunID != nil {
		out.RunID = *r.RunID
	}
	return out
}

// reportEvents are the types of the events for new documents, by kind.
var reportEvents = map[conversion.Kind]audit.Type{
	conversion.KindPlan: audit.ConversionPlanned, conversion.KindCheck: audit.ConversionVerified,
	conversion.KindException: audit.ConversionExcepted, conversion.KindProof: audit.ProofMade,
}

// AddReport stores a document, with its event.
func (s *Store) AddReport(ctx context.Context, who audit.Who, r conversion.Report) (conversion.Report, error) {
	err := s.write(ctx, func(t *tx) error {
		var err error
		if r.ID, err = t.next("existing_reports", 1); err != nil {
			return err
		}
		if r.PublicID, err = publicID(); err != nil {
			return err
		}
		r.MadeAt, r.MadeBy = t.at, cut(who.Name, 300)
		row := conversionReportRow{
			ID:       r.ID,
			PublicID: r.PublicID,
			Kind:     string(r.Kind),
			Clean:    r.Clean,
			MadeBy:   r.MadeBy,
			MadeAt:   r.MadeAt,
			Document: r.Document,
		}
		if r.RunID != 0 {
			row.RunID = &r.RunID
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		code := "clean"
		if !r.Clean {
			code = "unclean"
		}
		return t.record(audit.Event{
			Type: reportEvents[r.Kind], Action: audit.Create, Who: who, ObjectType: "existing_report", ObjectID: r.PublicID, Code: code,
		})
	})
	return r, err
}

// LatestReport returns the last document of a kind. If runID is not 0, it must be of that
// run. ok is false if there is none.
func (s *Store) LatestReport(ctx context.Context, kind conversion.Kind, runID int64) (r conversion.Report, ok bool, err error) {
	db := s.read(ctx).Where("kind = ?", string(kind))
	if runID != 0 {
		db = db.Where("run_id = ?", runID)
	}
	var rows []conversionReportRow
	err = db.Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return conversion.Report{}, false, s.dialect.clean(err)
	}
	return rows[0].report(), true, nil
}

// ReportByID returns a document by its internal id.
func (s *Store) ReportByID(ctx context.Context, id int64) (conversion.Report, error) {
	var r conversionReportRow
	err := first(s.read(ctx).Where("id = ?", id), &r)
	return r.report(), s.dialect.clean(err)
}

// maxProofs is the largest number of proofs in the list.
const maxProofs = 100

// Proofs returns the proofs, newest first, with its event.
func (s *Store) Proofs(ctx context.Context, who audit.Who) ([]conversion.Report, error) {
	var out []conversion.Report
	err := s.write(ctx, func(t *tx) error {
		out = nil
		var rows []conversionReportRow
		if err := t.db.Where("kind = ?", string(conversion.KindProof)).Order("id DESC").Limit(maxProofs).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			out = append(out, r.report())
		}
		return t.record(audit.Event{Type: audit.ProofsListed, Action: audit.Read, Who: who, ObjectType: "proofs"})
	})
	return out, err
}

// Proof returns one proof, with an event: that it was seen or, with export, exported.
func (s *Store) Proof(ctx context.Context, who audit.Who, publicID string, export bool) (conversion.Report, error) {
	var r conversionReportRow
	err := s.write(ctx, func(t *tx) error {
		r = conversionReportRow{}
		if err := first(t.db.Where("public_id = ? AND kind = ?", publicID, string(conversion.KindProof)), &r); err != nil {
			return err
		}
		typ := audit.ProofViewed
		if export {
			typ = audit.ProofExported
		}
		return t.record(audit.Event{Type: typ, Action: audit.Read, Who: who, ObjectType: "existing_report", ObjectID: publicID})
	})
	return r.report(), err
}

type conversionErasureRow struct {
	ID          int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID    string
	RunID       int64
	Way         string
	CheckID     int64
	ExceptionID *int64
	AskedBy     string
	AskedAt     time.Time
	StartedAt   *time.Time
	ErasedAt    *time.Time
}

func (conversionErasureRow) TableName() string { return "existing_erasures" }

// AskErasure asks for the erasure of the old table of a run, with its event. It takes the
// place of an earlier request that is not begun, whose approvals are void.
func (s *Store) AskErasure(ctx context.Context, who audit.Who, e conversion.Erasure) (conversion.Erasure, error) {
	err := s.write(ctx, func(t *tx) error {
		var err error
		if e.ID, err = t.next("existing_erasures", 1); err != nil { // the second of two simultaneous calls waits here
			return err
		}
		// An erasure of the run that begins at this moment is waited for, or waits.
		var rows []conversionErasureRow
		if err := t.dialect.forUpdate(t.db, "existing_erasures").Where("run_id = ?", e.RunID).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if r.StartedAt != nil {
				return apperr.New(apperr.Conflict, "erasure_begun")
			}
		}
		old := "SELECT id FROM existing_erasures WHERE run_id = ?"
		if err := t.db.Exec("DELETE FROM existing_approvals WHERE erasure_id IN ("+old+")", e.RunID).Error; err != nil {
			return err
		}
		if err := t.db.Exec("DELETE FROM existing_erasures WHERE run_id = ?", e.RunID).Error; err != nil {
			return err
		}
		if e.PublicID, err = publicID(); err != nil {
			return err
		}
		e.AskedAt, e.AskedBy = t.at, cut(who.Name, 300)
		row := conversionErasureRow{
			ID:       e.ID,
			PublicID: e.PublicID,
			RunID:    e.RunID,
			Way:      string(e.Way),
			CheckID:  e.CheckID,
			AskedBy:  e.AskedBy,
			AskedAt:  e.AskedAt,
		}
		if e.ExceptionID != 0 {
			row.ExceptionID = &e.ExceptionID
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.ErasureAsked, Action: audit.Create, Who: who, ObjectType: "erasure", ObjectID: e.PublicID, Code: string(e.Way),
		})
	})
	return e, err
}

// ErasureOf returns the erasure that was asked for, with its approvals. ok is false if
// nobody asked.
func (s *Store) ErasureOf(ctx context.Context, runID int64) (e conversion.Erasure, ok bool, err error) {
	var rows []conversionErasureRow
	if err := s.read(ctx).Where("run_id = ?", runID).Order("id DESC").Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return e, false, s.dialect.clean(err)
	}
	r := rows[0]
	e = conversion.Erasure{
		ID: r.ID, PublicID: r.PublicID, RunID: r.RunID, Way: conversion.Way(r.Way), CheckID: r.CheckID, AskedBy: r.AskedBy,
		AskedAt:   r.AskedAt.UTC(),
		StartedAt: moment(r.StartedAt), ErasedAt: moment(r.ErasedAt),
	}
	if r.ExceptionID != nil {
		e.ExceptionID = *r.ExceptionID
	}
	e.Approvals, err = approvals(s.read(ctx), r.ID)
	return e, err == nil, s.dialect.clean(err)
}

func approvals(db *gorm.DB, erasureID int64) ([]conversion.Approval, error) {
	var rows []struct {
		Number, Role, UserName, Why, Roles string
		UserID                             int64
		ApprovedAt                         time.Time
		DisabledAt                         *time.Time
	}
	err := db.Table("existing_approvals a").
		Select("c.number, a.role, a.user_id, a.user_name, a.why, a.approved_at, COALESCE(u.roles, '') AS roles, u.disabled_at").
		Joins("JOIN centres c ON c.id = a.centre_id").
		Joins("LEFT JOIN users u ON u.id = a.user_id").
		Where("a.erasure_id = ?", erasureID).
		Order("c.number, a.role").
		Scan(&rows).
		Error
	out := make([]conversion.Approval, len(rows))
	for i, r := range rows {
		out[i] = conversion.Approval{
			Centre: r.Number, Role: account.Role(r.Role), UserID: r.UserID, UserName: r.UserName, Why: r.Why, At: r.ApprovedAt.UTC(),
			Lapsed: r.DisabledAt != nil || !slices.Contains(strings.Split(r.Roles, ","), r.Role),
		}
	}
	return out, err
}

// ApproveErasure records a person's approval for centres by their numbers, in one role, with
// its event. The error is apperr.Invalid "approval_centre" if a number is none of the run's
// centres. It is apperr.Conflict
//   - "approval_closed" if the erasure has begun or is done,
//   - "approval_given" if somebody of that role approved the centre already,
//   - "approval_one_person" if the same person approved it in the other role.
func (s *Store) ApproveErasure(ctx context.Context, who audit.Who, publicID string, role account.Role, centres []string, why string) error {
	return s.write(ctx, func(t *tx) error {
		var e conversionErasureRow
		if err := first(t.dialect.forUpdate(t.db, "existing_erasures").Where("public_id = ?", publicID), &e); err != nil {
			return err
		}
		if e.StartedAt != nil || e.ErasedAt != nil {
			return apperr.New(apperr.Conflict, "approval_closed")
		}
		var in []struct {
			ID     int64
			Number string
		}
		err := t.db.Table("existing_centres e").
			Select("c.id, c.number").
			Joins("JOIN centres c ON c.id = e.centre_id").
			Where("e.run_id = ?", e.RunID).
			Scan(&in).
			Error
		if err != nil {
			return err
		}
		byNumber := map[string]int64{}
		for _, c := range in {
			byNumber[c.Number] = c.ID
		}
		have, err := approvals(t.db, e.ID)
		if err != nil {
			return err
		}
		for _, number := range centres {
			if byNumber[number] == 0 {
				return apperr.New(apperr.Invalid, "approval_centre")
			}
			if err := mayApprove(have, number, role, who); err != nil {
				return err
			}
			if err := t.addApproval(e, byNumber[number], role, who, why); err != nil {
				return err
			}
		}
		return nil
	})
}

// mayApprove refuses an approval that was given already, and one by the person who
// approved the centre in the other role.
func mayApprove(have []conversion.Approval, centre string, role account.Role, who audit.Who) error {
	for _, a := range have {
		switch {
		case a.Centre != centre:
		case a.Role == role && !a.Lapsed:
			return apperr.New(apperr.Conflict, "approval_given")
		case a.Role != role && a.UserID == who.UserID:
			return apperr.New(apperr.Conflict, "approval_one_person")
		}
	}
	return nil
}

// addApproval stores the approval of one centre with its event, in place of a lapsed one.
func (t *tx) addApproval(e conversionErasureRow, centreID int64, role account.Role, who audit.Who, why string) error {
	const lapsed = "DELETE FROM existing_approvals WHERE erasure_id = ? AND centre_id = ? AND role = ?"
	if err := t.db.Exec(lapsed, e.ID, centreID, string(role)).Error; err != nil {
		return err
	}
	err := t.db.Exec("INSERT INTO existing_approvals (erasure_id, centre_id, role, user_id, user_name, why, approved_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		e.ID, centreID, string(role), who.UserID, cut(who.Name, 300), cut(why, 500), t.at).Error
	if err != nil {
		return err
	}
	ev := audit.Event{
		Type: audit.ErasureApproved, Action: audit.Execute, Who: who, ObjectType: "erasure", ObjectID: e.PublicID, Code: string(role),
	}
	ev.CentreID = centreID
	return t.record(ev)
}

// BeginErasure closes the approvals: from now on the old table is being erased.
func (s *Store) BeginErasure(ctx context.Context, id int64) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE existing_erasures SET started_at = COALESCE(started_at, ?) WHERE id = ?", t.at, id), errNotFound)
	})
}

// FinishErasure records that the old table is erased, with its event.
func (s *Store) FinishErasure(ctx context.Context, who audit.Who, e conversion.Erasure) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE existing_erasures SET started_at = COALESCE(started_at, ?), erased_at = ?"+
			" WHERE id = ? AND erased_at IS NULL", t.at, t.at, e.ID)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		return t.record(audit.Event{
			Type: audit.ErasureDone, Action: audit.Delete, Who: who, ObjectType: "erasure", ObjectID: e.PublicID, Code: string(e.Way),
		})
	})
}

// ViewConversion records that somebody looked at the conversion.
func (s *Store) ViewConversion(ctx context.Context, who audit.Who) error {
	return s.Record(ctx, audit.Event{Type: audit.ConversionViewed, Action: audit.Read, Who: who, ObjectType: "existing"})
}
