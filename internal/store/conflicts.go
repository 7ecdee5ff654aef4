package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
)

// conflictRow is a conflict. Its table is called reviews since the first schema.
type conflictRow struct {
	ID            int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID      string
	CentreID      int64
	DeliveryID    *int64
	Line          int
	PatientNumber string
	Birth         string
	Sex           string
	Pseudonyms    string
	ContentHash   int64
	Reason        string
	PatientID     *int64
	Partners      string
	State         string
	CreatedAt     time.Time
	Decision      string
	Why           string
	JudgedByID    int64
	JudgedBy      string
	JudgedAt      *time.Time
	Legacy        string
}

// The states of a conflict.
const (
	stateOpen   = "open"
	stateClosed = "closed"
)

func (conflictRow) TableName() string { return "reviews" }

// oldRow returns the part of an old row that the row of a conflict brought, or nil if
// that was no row of the old table.
func (r conflictRow) oldRow() (*patient.OldRow, error) {
	if r.Legacy == "" {
		return nil, nil
	}
	var l patient.OldRow
	if err := json.Unmarshal([]byte(r.Legacy), &l); err != nil {
		return nil, errors.New("decode the old row of a conflict: failed")
	}
	return &l, nil
}

// listedConflict is a conflict with its centre's number and the delivery of its
// first row.
type listedConflict struct {
	Row          conflictRow `gorm:"embedded"`
	CentreNumber string
	FirstBy      string // public id of a delivery; empty for a single entry
	Filename     string
	DatasetID    string
}

func (r listedConflict) conflict() patient.Conflict {
	b, _ := patient.ParseBirth(r.Row.Birth) // Sluis wrote it, so it is readable
	c := patient.Conflict{
		PublicID: r.Row.PublicID, CentreNumber: r.CentreNumber, Reason: patient.Reason(r.Row.Reason),
		Delivered: patient.Display{Number: r.Row.PatientNumber, Birth: b, Sex: patient.Sex(r.Row.Sex)},
		Partners:  splitInts(r.Row.Partners), OpenedAt: r.Row.CreatedAt.UTC(),
	}
	if r.FirstBy != "" {
		c.Origin = &patient.Origin{DeliveryID: r.FirstBy, Filename: r.Filename, DatasetID: r.DatasetID, Line: r.Row.Line}
	}
	if r.Row.State == stateClosed {
		c.Judgement = &patient.Judgement{Decision: patient.Decision(r.Row.Decision), Why: r.Row.Why, By: r.Row.JudgedBy,
			At: moment(r.Row.JudgedAt)}
	}
	return c
}

// conflictsIn selects the conflicts in scope.
func conflictsIn(db *gorm.DB, scope account.Scope) *gorm.DB {
	return scoped(db.Table("reviews r").Joins("JOIN centres c ON c.id = r.centre_id").
		Joins("LEFT JOIN deliveries d ON d.id = r.delivery_id"), scope, "r.centre_id")
}

const conflictColumns = "r.*, c.number AS centre_number, COALESCE(d.public_id, '') AS first_by, COALESCE(d.filename, '')" +
	" AS filename, COALESCE(d.dataset_id, '') AS dataset_id"

// Conflicts returns a page of open conflicts, oldest first. Its event names the
// stored patients that they are about.
func (s *Store) Conflicts(ctx context.Context, who audit.Who, scope account.Scope, q patient.ConflictQuery) (patient.ConflictPage, error) {
	var page patient.ConflictPage
	err := s.write(ctx, func(t *tx) error {
		page = patient.ConflictPage{}
		limit := limitOf(q.Limit)
		match := func() *gorm.DB {
			db := conflictsIn(t.db, scope).Where("r.state = ?", stateOpen)
			if q.Reason != "" {
				db = db.Where("r.reason = ?", string(q.Reason))
			}
			if q.CentreNumber != "" {
				db = db.Where("c.number = ?", q.CentreNumber)
			}
			if q.DeliveryID != "" {
				db = db.Where(
					"r.id IN (SELECT x.review_id FROM review_rows x JOIN deliveries y ON y.id = x.delivery_id WHERE y.public_id = ?)",
					q.DeliveryID,
				)
			}
			return db
		}
		var total int64
		if err := match().Count(&total).Error; err != nil {
			return err
		}
		page.Total = int(total)
		db := match().Select(conflictColumns)
		if q.After != "" {
			// If that one was judged meanwhile, it still shows how far the page before went.
			var last conflictRow
			if err := first(scoped(t.db, scope, "centre_id").Where("public_id = ?", q.After), &last); err != nil {
				return err
			}
			db = db.Where("r.id > ?", last.ID)
		}
		var rows []listedConflict
		if err := db.Order("r.id").Limit(limit + 1).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			page.Next = rows[limit-1].Row.PublicID
		}
		ev := audit.Event{Type: audit.ConflictsListed, Action: audit.Read, Who: who, ObjectType: "reviews"}
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

// addSubject adds a patient, unless it is none or met already: an event names each
// patient once.
func addSubject(list []audit.Subject, met map[int64]bool, id int64, action audit.Action) []audit.Subject {
	if id == 0 || met[id] {
		return list
	}
	met[id] = true
	return append(list, audit.Subject{PatientID: id, Action: action})
}

// counted returns conflicts with the number of rows and deliveries that wait for each.
func (t *tx) counted(rows []listedConflict) ([]patient.Conflict, error) {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.Row.ID
	}
	type count struct {
		ConflictID int64 `gorm:"column:review_id"`
		N, D       int
	}
	by := map[int64]count{}
	err := pieces(ids, t.dialect.maxIn(), func(part []int64) error {
		var counts []count
		err := t.db.Raw("SELECT review_id, COUNT(*) AS n, COUNT(DISTINCT delivery_id) AS d FROM review_rows WHERE review_id ?"+
			" GROUP BY review_id", t.dialect.oneOf(&part)).Scan(&counts).Error
		for _, c := range counts {
			by[c.ConflictID] = c
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

// findCase reads one conflict in scope, with the first of its rows.
func (t *tx) findCase(scope account.Scope, publicID string) (listedConflict, patient.Case, error) {
	var r listedConflict
	if err := first(conflictsIn(t.db, scope).Select(conflictColumns).Where("r.public_id = ?", publicID).Order("r.id"), &r); err != nil {
		return r, patient.Case{}, err
	}
	conflicts, err := t.counted([]listedConflict{r})
	if err != nil {
		return r, patient.Case{}, err
	}
	c := patient.Case{Conflict: conflicts[0], CentreID: r.Row.CentreID}
	if r.Row.PatientID != nil {
		c.PatientID = *r.Row.PatientID
	}
	if err := json.Unmarshal([]byte(r.Row.Pseudonyms), &c.Pseudonyms); err != nil {
		return r, c, errors.New("decode the pseudonyms of a conflict: failed") // its error may quote them
	}
	if c.OldRow, err = r.Row.oldRow(); err != nil {
		return r, c, err
	}
	var origins []struct {
		PublicID, Filename, DatasetID string
		Line                          int
	}
	err = t.db.Table("review_rows x").Select("d.public_id, d.filename, d.dataset_id, x.line").
		Joins("JOIN deliveries d ON d.id = x.delivery_id").
		Where("x.review_id = ?", r.Row.ID).Order("x.delivery_id, x.line").Limit(patient.MaxOrigins).Scan(&origins).Error
	for _, o := range origins {
		c.Origins = append(c.Origins, patient.Origin{DeliveryID: o.PublicID, Filename: o.Filename, DatasetID: o.DatasetID, Line: o.Line})
	}
	return r, c, err
}

// glance is a patient.Reader within a transaction. It locks nothing: other writers
// may change what it found.
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

// ViewConflict returns one conflict, with its event. If the conflict is open, it also
// returns the result of compare. A conflict of another centre is not found.
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
		ev := audit.Event{Type: audit.ConflictViewed, Action: audit.Read, Who: who, ObjectType: "review", ObjectID: publicID}
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

// CountConflicts returns the number of conflicts that wait for a data manager.
func (s *Store) CountConflicts(ctx context.Context, scope account.Scope) (int, error) {
	var n int64
	err := scoped(s.read(ctx).Model(&conflictRow{}), scope, "centre_id").Where("state = ?", stateOpen).Count(&n).Error
	return int(n), s.dialect.clean(err)
}
