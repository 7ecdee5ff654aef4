package store

import (
	"context"
	"encoding/json"
	"errors"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// listedReview is a review with its centre's number and the delivery of the row
// that opened it.
type listedReview struct {
	Row          reviewRow `gorm:"embedded"`
	CentreNumber string
	OpenedBy     string // public id of a delivery; empty for a single entry
	Filename     string
	DatasetID    string
}

func (r listedReview) conflict() patient.Conflict {
	b, _ := patient.ParseBirth(r.Row.Birth) // we wrote it
	c := patient.Conflict{
		PublicID: r.Row.PublicID, CentreNumber: r.CentreNumber, Reason: patient.Reason(r.Row.Reason),
		Delivered: patient.Display{Number: r.Row.PatientNumber, Birth: b, Sex: patient.Sex(r.Row.Sex)},
		Partners:  splitInts(r.Row.Partners), OpenedAt: r.Row.CreatedAt.UTC(),
	}
	if r.OpenedBy != "" {
		c.Origin = &patient.Origin{DeliveryID: r.OpenedBy, Filename: r.Filename, DatasetID: r.DatasetID, Line: r.Row.Line}
	}
	if r.Row.State == stateClosed {
		c.Judgement = &patient.Judgement{Decision: patient.Decision(r.Row.Decision), Why: r.Row.Why, By: r.Row.JudgedBy, At: moment(r.Row.JudgedAt)}
	}
	return c
}

// reviewsIn are the reviews in scope.
func reviewsIn(db *gorm.DB, scope account.Scope) *gorm.DB {
	return scoped(db.Table("reviews r").Joins("JOIN centres c ON c.id = r.centre_id").Joins("LEFT JOIN deliveries d ON d.id = r.delivery_id"), scope, "r.centre_id")
}

const reviewColumns = "r.*, c.number AS centre_number, COALESCE(d.public_id, '') AS opened_by, COALESCE(d.filename, '') AS filename, COALESCE(d.dataset_id, '') AS dataset_id"

// Conflicts gives a page of open conflicts, oldest first, with its event, which
// names the patients that were met.
func (s *Store) Conflicts(ctx context.Context, who audit.Who, scope account.Scope, q patient.ConflictQuery) (patient.ConflictPage, error) {
	var page patient.ConflictPage
	err := s.write(ctx, func(t *tx) error {
		page = patient.ConflictPage{}
		limit := limitOf(q.Limit)
		match := func() *gorm.DB {
			db := reviewsIn(t.db, scope).Where("r.state = ?", stateOpen)
			if q.Reason != "" {
				db = db.Where("r.reason = ?", string(q.Reason))
			}
			if q.CentreNumber != "" {
				db = db.Where("c.number = ?", q.CentreNumber)
			}
			if q.DeliveryID != "" {
				db = db.Where("r.id IN (SELECT x.review_id FROM review_rows x JOIN deliveries y ON y.id = x.delivery_id WHERE y.public_id = ?)", q.DeliveryID)
			}
			return db
		}
		var total int64
		if err := match().Count(&total).Error; err != nil {
			return err
		}
		page.Total = int(total)
		db := match().Select(reviewColumns)
		if q.After != "" {
			// One that was judged meanwhile still tells where the page before ended.
			var last reviewRow
			if err := first(scoped(t.db, scope, "centre_id").Where("public_id = ?", q.After), &last); err != nil {
				return err
			}
			db = db.Where("r.id > ?", last.ID)
		}
		var rows []listedReview
		if err := db.Order("r.id").Limit(limit + 1).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			page.Next = rows[limit-1].Row.PublicID
		}
		ev := audit.Event{Type: audit.ReviewsListed, Action: audit.Read, Who: who, ObjectType: "reviews"}
		met := map[int64]bool{}
		var err error
		if page.Conflicts, err = t.counted(rows); err != nil {
			return err
		}
		for _, r := range rows {
			if id := r.Row.PatientID; id != nil {
				ev.Subjects = addSubject(ev.Subjects, met, *id, audit.Read)
			}
		}
		return t.record(ev)
	})
	return page, err
}

// addSubject adds a patient once: an event names each but once.
func addSubject(list []audit.Subject, met map[int64]bool, id int64, action audit.Action) []audit.Subject {
	if id == 0 || met[id] {
		return list
	}
	met[id] = true
	return append(list, audit.Subject{PatientID: id, Action: action})
}

// counted are the conflicts of rows with how many rows wait for each.
func (t *tx) counted(rows []listedReview) ([]patient.Conflict, error) {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.Row.ID
	}
	type count struct {
		ReviewID int64
		N, D     int
	}
	by := map[int64]count{}
	err := pieces(ids, t.dialect.maxIn(), func(part []int64) error {
		var counts []count
		err := t.db.Raw("SELECT review_id, COUNT(*) AS n, COUNT(DISTINCT delivery_id) AS d FROM review_rows WHERE review_id IN ? GROUP BY review_id", part).Scan(&counts).Error
		for _, c := range counts {
			by[c.ReviewID] = c
		}
		return err
	})
	out := make([]patient.Conflict, len(rows))
	for i, r := range rows {
		out[i] = r.conflict()
		out[i].Rows, out[i].Deliveries = by[r.Row.ID].N, by[r.Row.ID].D
	}
	return out, err
}

// findCase reads one review in scope, with the first of its rows.
func (t *tx) findCase(scope account.Scope, publicID string) (listedReview, patient.Case, error) {
	var r listedReview
	if err := first(reviewsIn(t.db, scope).Select(reviewColumns).Where("r.public_id = ?", publicID).Order("r.id"), &r); err != nil {
		return r, patient.Case{}, err
	}
	conflicts, err := t.counted([]listedReview{r})
	if err != nil {
		return r, patient.Case{}, err
	}
	c := patient.Case{Conflict: conflicts[0], CentreID: r.Row.CentreID}
	if r.Row.PatientID != nil {
		c.PatientID = *r.Row.PatientID
	}
	if err := json.Unmarshal([]byte(r.Row.Pseudonyms), &c.Pseudonyms); err != nil {
		return r, c, errors.New("decode the pseudonyms of a review: failed") // its error may quote them
	}
	if c.Legacy, err = r.Row.legacy(); err != nil {
		return r, c, err
	}
	var origins []struct {
		PublicID, Filename, DatasetID string
		Line                          int
	}
	err = t.db.Table("review_rows x").Select("d.public_id, d.filename, d.dataset_id, x.line").Joins("JOIN deliveries d ON d.id = x.delivery_id").
		Where("x.review_id = ?", r.Row.ID).Order("x.delivery_id, x.line").Limit(patient.MaxOrigins).Scan(&origins).Error
	for _, o := range origins {
		c.Origins = append(c.Origins, patient.Origin{DeliveryID: o.PublicID, Filename: o.Filename, DatasetID: o.DatasetID, Line: o.Line})
	}
	return r, c, err
}

// glance answers patient.Reader's questions within a transaction without keeping
// anybody off what it finds.
type glance struct{ finder }

func (g glance) PatientsByNumber(_ context.Context, centreID int64, numbers []string) (map[string]patient.Patient, error) {
	return g.byNumber(centreID, numbers)
}

func (g glance) PatientsByID(_ context.Context, centreID int64, ids []int64) (map[int64]patient.Patient, error) {
	return g.byID(centreID, ids)
}

func (g glance) Keys(_ context.Context, keys []string, patients []int64) ([]patient.Key, error) {
	return g.keys(keys, patients)
}

func (g glance) OwnersOf(_ context.Context, centreID int64, list []patient.Pseudonym) (map[patient.Pseudonym][]patient.Owner, error) {
	return g.owners(centreID, list)
}

// ViewConflict gives one conflict with its event, and while it is open what
// compare says of it. Another centre's is not found.
func (s *Store) ViewConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string,
	compare func(patient.Reader, patient.Case) (patient.Comparison, error),
) (patient.Conflict, patient.Comparison, error) {
	var out patient.Conflict
	var found patient.Comparison
	err := s.write(ctx, func(t *tx) error {
		found = patient.Comparison{}
		_, c, err := t.findCase(scope, publicID)
		if err != nil {
			return err
		}
		out = c.Conflict
		ev := audit.Event{Type: audit.ReviewViewed, Action: audit.Read, Who: who, ObjectType: "review", ObjectID: publicID}
		met := map[int64]bool{}
		if c.Judgement == nil {
			if found, err = compare(glance{finder{db: t.db, d: t.dialect}}, c); err != nil {
				return err
			}
			for _, p := range []*patient.Standing{found.Existing, found.Own} {
				if p != nil {
					ev.Subjects = addSubject(ev.Subjects, met, p.ID, audit.Read)
				}
			}
		}
		return t.record(ev)
	})
	return out, found, err
}

// moveRows gives the rows of a review that still wait another outcome, and the
// counters of their deliveries with them; all of them, or the one of only.
func (t *tx) moveRows(reviewID int64, only *joinedRow, to patient.Outcome) error {
	where, args := "x.review_id = ?", []any{reviewID}
	if only != nil {
		where, args = where+" AND x.delivery_id = ? AND x.line = ?", append(args, only.DeliveryID, only.Line)
	}
	var counts []struct {
		DeliveryID int64
		N          int
	}
	err := t.db.Raw("SELECT x.delivery_id, COUNT(*) AS n FROM review_rows x JOIN delivery_rows w ON w.delivery_id = x.delivery_id AND w.line = x.line"+
		" WHERE "+where+" AND w.outcome = ? GROUP BY x.delivery_id ORDER BY x.delivery_id", append(args, string(patient.Review))...).Scan(&counts).Error
	if err != nil {
		return err
	}
	err = t.db.Exec("UPDATE delivery_rows SET outcome = ? WHERE outcome = ? AND EXISTS (SELECT 1 FROM review_rows x"+
		" WHERE x.delivery_id = delivery_rows.delivery_id AND x.line = delivery_rows.line AND "+where+")",
		append([]any{string(to), string(patient.Review)}, args...)...).Error
	if err != nil {
		return err
	}
	for _, c := range counts {
		var n patient.Counts
		n.Add(to, c.N)
		err := t.db.Exec(`UPDATE deliveries SET n_review = n_review - ?, n_created = n_created + ?, n_updated = n_updated + ?,
			n_unchanged = n_unchanged + ?, n_rejected = n_rejected + ? WHERE id = ?`, c.N, n.Created, n.Updated, n.Unchanged, n.Rejected, c.DeliveryID).Error
		if err != nil {
			return err
		}
		if err := t.followRepairs(c.DeliveryID); err != nil {
			return err
		}
	}
	return nil
}

// settleRows ends the waiting of a review's rows: their outcomes, the counters of
// their deliveries, and the finding that told of the conflict.
func (t *tx) settleRows(r reviewRow, now patient.Settlement) error {
	var rows []joinedRow
	err := t.db.Table("review_rows").Where("review_id = ?", r.ID).Order("delivery_id, line").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	rest := now.Outcome
	if now.Outcome == patient.Created || now.Outcome == patient.Updated {
		// The other rows say what is stored by now.
		if err := t.moveRows(r.ID, &rows[0], now.Outcome); err != nil {
			return err
		}
		rest = patient.Unchanged
	}
	if err := t.moveRows(r.ID, nil, rest); err != nil {
		return err
	}
	const of = " WHERE stage = ? AND code = ? AND EXISTS (SELECT 1 FROM review_rows x WHERE x.delivery_id = findings.delivery_id AND x.line = findings.line AND x.review_id = ?)"
	if now.Outcome == patient.Rejected {
		return t.db.Exec("UPDATE findings SET code = ?, severity = ?"+of, now.Code, string(patient.Fatal), string(delivery.StageDecide), r.Reason, r.ID).Error
	}
	return t.db.Exec("DELETE FROM findings"+of, string(delivery.StageDecide), r.Reason, r.ID).Error
}

// JudgeConflict closes an open conflict: settle stores what the decision asks
// for, and every row that waited gets its outcome, in one transaction with the
// event. One that was closed already is apperr.Conflict "review_closed".
func (s *Store) JudgeConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string, j patient.Judgement,
	settle func(patient.Tx, patient.Case) (patient.Settlement, error),
) error {
	return s.write(ctx, func(t *tx) error {
		r, c, err := t.findCase(scope, publicID)
		if err != nil {
			return err
		}
		// The centre's row first, as registering does: no row of a delivery joins this
		// review while it is being closed, to wait for nobody.
		var centre centreRow
		if err := first(t.dialect.forUpdate(t.db, "centres").Where("id = ?", c.CentreID), &centre); err != nil {
			return err
		}
		// What was delivered and is not stored is not kept either.
		res := t.db.Exec("UPDATE reviews SET state = ?, decision = ?, why = ?, judged_by_id = ?, judged_by = ?, judged_at = ?, pseudonyms = '[]', legacy = '' WHERE id = ? AND state = ?",
			stateClosed, string(j.Decision), cut(j.Why, patient.MaxWhy), who.UserID, cut(who.Name, 300), t.at, r.Row.ID, stateOpen)
		if err := one(res, apperr.New(apperr.Conflict, "review_closed")); err != nil {
			return err
		}
		ptx := &patientTx{t: t}
		now, err := settle(ptx, c)
		if err != nil {
			return err
		}
		if err := t.settleRows(r.Row, now); err != nil {
			return err
		}
		if now.PatientID != 0 {
			if err := t.giveKeys(r.Row.ID, now.PatientID); err != nil {
				return err
			}
		}
		ev := audit.Event{
			Type: audit.ReviewJudged, Action: audit.Update, Who: who, ObjectType: "review", ObjectID: publicID, Code: string(j.Decision), Subjects: ptx.subjects,
		}
		if len(ev.Subjects) == 0 && c.PatientID != 0 {
			ev.Subjects = []audit.Subject{{PatientID: c.PatientID, Action: audit.Read}}
		}
		return t.record(ev)
	})
}
