package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"sluis/internal/audit"
	"sluis/internal/audit/tree"
)

// maxEvents is the longest page of the access log.
const maxEvents = 500

// clockSlack is how far apart the clocks of the machines may be that record events. The
// numbers of events are in the order of their moments but for that.
const clockSlack = time.Hour

// logSearch is a query of the access log as it is put to the database: in one or more
// branches, each of which is in the order of an index. The database never sorts the log.
//
// A branch is for one type, or for one patient. What is found in all of them is merged.
type logSearch struct {
	t        *tx
	q        audit.Query
	types    []audit.Type
	centreID int64
	patients []int64 // whom the query is about, if it names one
	low      int64   // the first number that may be in the period; 0 if it has no beginning
	high     int64   // the number after the last that may be in it; 0 if it has no end
	none     bool    // nothing can be found
}

// searchLog prepares a query: it looks up what the query names.
func (t *tx) searchLog(q audit.Query) (logSearch, error) {
	f := logSearch{t: t, q: q, types: q.Types()}
	if q.CentreNumber != "" {
		var ids []int64
		if err := t.db.Table("centres").Where("number = ?", q.CentreNumber).Pluck("id", &ids).Error; err != nil {
			return f, err
		}
		if f.none = len(ids) == 0; !f.none {
			f.centreID = ids[0]
		}
	}
	if q.PatientNumber != "" {
		var err error
		if f.patients, err = t.patientsOf(q); err != nil {
			return f, err
		}
		f.none = f.none || len(f.patients) == 0
	}
	return f, f.bound()
}

// bound finds the numbers between which the events of the period are. A range of numbers
// goes with every index; a range of moments goes with one only.
func (f *logSearch) bound() error {
	if !f.q.From.IsZero() {
		var id []int64
		if err := f.t.db.Table("audit_events").Where("at >= ?", stamp(f.q.From.Add(-clockSlack))).Order("at, id").Limit(1).
			Pluck("id", &id).Error; err != nil {
			return err
		}
		if len(id) == 0 {
			f.none = true
			return nil
		}
		f.low = id[0]
	}
	if !f.q.To.IsZero() {
		var id []int64
		if err := f.t.db.Table("audit_events").Where("at < ?", stamp(f.q.To.Add(clockSlack))).Order("at DESC, id DESC").Limit(1).
			Pluck("id", &id).Error; err != nil {
			return err
		}
		if len(id) == 0 {
			f.none = true
			return nil
		}
		f.high = id[0] + 1
	}
	return nil
}

// branches returns the parts of the search, each without an order.
func (f logSearch) branches(after int64) []*gorm.DB {
	var out []*gorm.DB
	switch {
	case f.none:
	case f.q.PatientNumber != "":
		for _, id := range f.patients {
			db := f.t.db.Table("audit_subjects s").Joins("JOIN audit_events e ON e.id = s.event_id").Where("s.patient_id = ?", id)
			out = append(out, f.filter(db, "s.event_id", after, f.types))
		}
	case len(f.types) > 1 && f.q.UserName == "" && f.centreID == 0:
		for _, typ := range f.types {
			out = append(out, f.filter(f.t.db.Table("audit_events e"), "e.id", after, []audit.Type{typ}))
		}
	default:
		out = append(out, f.filter(f.t.db.Table("audit_events e"), "e.id", after, f.types))
	}
	return out
}

// filter adds the conditions of the query to a branch. number is the column with the number
// of the event.
func (f logSearch) filter(db *gorm.DB, number string, after int64, types []audit.Type) *gorm.DB {
	switch len(types) {
	case 0:
	case 1:
		db = db.Where("e.type = ?", string(types[0]))
	default:
		db = db.Where("e.type IN ?", types)
	}
	if f.q.UserName != "" {
		db = db.Where("LOWER(e.user_name) = ?", strings.ToLower(f.q.UserName)) // there is an index on this expression
	}
	if f.q.Result != nil {
		db = db.Where("e.result = ?", int(*f.q.Result))
	}
	if f.centreID != 0 {
		db = db.Where("e.centre_id = ?", f.centreID)
	}
	if f.low > 0 {
		db = db.Where(number+" >= ?", f.low)
		db = db.Where("e.at >= ?", stamp(f.q.From))
	}
	if f.high > 0 {
		db = db.Where("e.at < ?", stamp(f.q.To))
	}
	if high := f.high; high > 0 || after > 0 {
		if after > 0 && (high == 0 || after < high) {
			high = after
		}
		db = db.Where(number+" < ?", high)
	}
	return db
}

// order returns the column by which a branch is ordered.
func (f logSearch) order() string {
	if f.q.PatientNumber != "" {
		return "s.event_id"
	}
	return "e.id"
}

// loggedRow is an event with the number of its centre.
type loggedRow struct {
	Row          eventRow `gorm:"embedded"` // GORM ignores an embedded struct whose type is unexported
	CentreNumber *string
}

func (r loggedRow) event() audit.Event {
	ev := r.Row.event()
	if r.CentreNumber != nil {
		ev.CentreNumber = *r.CentreNumber
	}
	return ev
}

// list returns the newest n events before the one with number after.
func (f logSearch) list(after int64, n int) ([]audit.Event, error) {
	var out []audit.Event
	for _, db := range f.branches(after) {
		var rows []loggedRow
		if err := f.page(db, n).Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, r.event())
		}
	}
	// An event may be about two patients of one number, each in a hospital of their own.
	slices.SortFunc(out, func(a, b audit.Event) int { return int(b.ID - a.ID) })
	out = slices.CompactFunc(out, func(a, b audit.Event) bool { return a.ID == b.ID })
	return out[:min(n, len(out))], nil
}

// page makes a branch a query for its newest n events.
func (f logSearch) page(db *gorm.DB, n int) *gorm.DB {
	return db.Select("e.*, c.number AS centre_number").Joins("LEFT JOIN centres c ON c.id = e.centre_id").
		Order(f.order() + " DESC").Limit(n)
}

// limited makes a branch a query for no more than n events, to be counted.
func (f logSearch) limited(db *gorm.DB, n int) *gorm.DB {
	return f.t.db.Table("(?) AS found", db.Select("e.id").Limit(n))
}

// count returns how many events the query selects, but no more than most+1.
func (f logSearch) count(most int) (int, error) {
	total := 0
	for _, db := range f.branches(0) {
		var n int64
		if err := f.limited(db, most+1-total).Count(&n).Error; err != nil {
			return 0, err
		}
		if total += int(n); total > most {
			break
		}
	}
	return total, nil
}

// Events returns a page of the access log, newest first. Reading the log is an event
// too.
func (s *Store) Events(ctx context.Context, who audit.Who, q audit.Query) (audit.Page, error) {
	var page audit.Page
	err := s.write(ctx, func(t *tx) error {
		page = audit.Page{}
		limit := q.Limit
		if limit <= 0 || limit > maxEvents {
			limit = maxEvents
		}
		f, err := t.searchLog(q)
		if err != nil {
			return err
		}
		if page.Events, err = f.list(q.After, limit+1); err != nil {
			return err
		}
		if len(page.Events) > limit {
			page.Events = page.Events[:limit]
			page.Next = page.Events[limit-1].ID
		}
		if page.Total, err = f.count(audit.MostCounted); err != nil {
			return err
		}
		reading := audit.Event{Type: audit.LogViewed, Action: audit.Read, Who: who, ObjectType: "log"}
		if q.PatientNumber != "" {
			reading.Code, reading.Subjects = "log_patient", seen(f.patients)
		}
		return t.record(reading)
	})
	return page, err
}

func seen(patients []int64) []audit.Subject {
	out := make([]audit.Subject, len(patients))
	for i, id := range patients {
		out[i] = audit.Subject{PatientID: id, Action: audit.Read}
	}
	return out
}

// patientsOf returns the ids of the patients that a query is about: one for each centre
// that has the number.
func (t *tx) patientsOf(q audit.Query) ([]int64, error) {
	// The condition on the centre is always there: it is the first column of the index.
	db := t.db.Table("patients p").Where("p.patient_number = ? AND p.centre_id IN (SELECT c.id FROM centres c WHERE ? IN ('', c.number))",
		q.PatientNumber, q.PatientCentre)
	var ids []int64
	return ids, db.Limit(t.dialect.maxIn()-1).Pluck("p.id", &ids).Error
}

// shownPatients is how many of an event's patients its page shows.
const shownPatients = 50

// Event returns one event with all that it says, or apperr.NotFound. Reading it is an event
// about the patients that it shows.
func (s *Store) Event(ctx context.Context, who audit.Who, id int64) (audit.Detail, error) {
	var out audit.Detail
	err := s.write(ctx, func(t *tx) error {
		out = audit.Detail{}
		var row loggedRow
		db := t.db.Table("audit_events e").Select("e.*, c.number AS centre_number").Joins("LEFT JOIN centres c ON c.id = e.centre_id")
		if err := first(db.Where("e.id = ?", id), &row); err != nil {
			return err
		}
		out.Event = row.event()
		var about []struct {
			PatientID     int64
			Action        string
			PatientNumber *string
			CentreNumber  *string
		}
		err := t.db.Table("audit_subjects s").Select("s.patient_id, s.action, p.patient_number, c.number AS centre_number").
			Joins("LEFT JOIN patients p ON p.id = s.patient_id").Joins("LEFT JOIN centres c ON c.id = p.centre_id").
			Where("s.event_id = ?", id).Order("s.patient_id").Limit(shownPatients).Scan(&about).Error
		if err != nil {
			return err
		}
		var ids []int64
		for _, a := range about {
			p := audit.Patient{Action: audit.Action(a.Action)}
			if a.PatientNumber != nil && a.CentreNumber != nil {
				p.Number, p.CentreNumber = *a.PatientNumber, *a.CentreNumber
			}
			out.Patients = append(out.Patients, p)
			ids = append(ids, a.PatientID)
		}
		if out.Proof, err = t.proof(id); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.LogViewed, Action: audit.Read, Who: who, ObjectType: "log", ObjectID: strconv.FormatInt(id, 10), Code: "log_record",
			Subjects: seen(ids),
		})
	})
	return out, err
}

// proof compares one event with its seal and with its leaf of the tree.
func (t *tx) proof(id int64) (audit.Proof, error) {
	found, err := records(t, id, id)
	if err != nil || len(found) == 0 {
		return audit.Changed, err
	}
	var rows []hashRow
	if err := t.db.Raw("SELECT id, hash FROM audit_hashes WHERE id = ?", tree.Index(id)).Scan(&rows).Error; err != nil {
		return audit.Changed, err
	}
	leaf := tree.Leaf(tree.Encode(found[0].Event), found[0].Seal)
	switch {
	case len(rows) == 0 || string(rows[0].Hash) != string(leaf[:]):
		return audit.Changed, nil
	case len(found[0].Seal) == 0:
		return audit.Unsealed, nil
	case t.auditKey.CanSeal() && !t.auditKey.Sealed(found[0]):
		return audit.Changed, nil
	}
	return audit.Whole, nil
}

// exportPage is how many events an export reads at once. SQLite has one connection only, and
// others want it too.
const exportPage = 1000

// ExportEvents calls each with the newest events that the query selects, at most so many, and
// reports whether there were more. Before it reads the first, it records the export.
func (s *Store) ExportEvents(
	ctx context.Context, who audit.Who, q audit.Query, most int, each func([]audit.Event) error,
) (more bool, err error) {
	var f logSearch
	var before int64
	err = s.write(ctx, func(t *tx) error {
		if f, err = t.searchLog(q); err != nil {
			return err
		}
		if before, err = t.next("audit_events", 0); err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.LogExported, Action: audit.Read, Who: who, ObjectType: "log", Code: "csv"})
	})
	if err != nil {
		return false, err
	}
	f.t = &tx{Store: s, db: s.read(ctx)}
	return s.eachPage(f, before, most, each)
}

func (s *Store) eachPage(f logSearch, before int64, most int, each func([]audit.Event) error) (more bool, err error) {
	for left := most; ; {
		n := min(exportPage, left+1) // one more tells whether there are more
		page, err := f.list(before, n)
		if err != nil {
			return false, s.dialect.clean(err)
		}
		if len(page) > left {
			return true, each(page[:left])
		}
		if err := each(page); err != nil || len(page) < n {
			return false, err
		}
		left -= len(page)
		before = page[len(page)-1].ID
	}
}

// DisclosePatient calls each with the newest events about one patient of a centre, at most so
// many, for the patient's own request. It records that before it reads the first. code is the
// form in which they leave: "html" or "csv". It returns false if the centre has no patient with
// this number; that is recorded too.
func (s *Store) DisclosePatient(
	ctx context.Context, who audit.Who, centre, number, code string, most int, each func([]audit.Event) error,
) (found, more bool, err error) {
	var f logSearch
	var before int64
	err = s.write(ctx, func(t *tx) error {
		var err error
		if f, err = t.searchLog(audit.Query{PatientNumber: number, PatientCentre: centre}); err != nil {
			return err
		}
		if before, err = t.next("audit_events", 0); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.LogDisclosed, Action: audit.Read, Who: who, ObjectType: "log", Code: code, Subjects: seen(f.patients),
		})
	})
	if err != nil || f.none {
		return false, false, err
	}
	f.t = &tx{Store: s, db: s.read(ctx)}
	more, err = s.eachPage(f, before, most, each)
	return true, more, err
}
