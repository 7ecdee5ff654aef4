package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
)

type alarmRow struct {
	ID          int64 `gorm:"primaryKey;autoIncrement:false"`
	Kind        string
	Cause       string
	Day         string
	Period      string
	N           int
	Most        int
	CentreID    int64
	FirstAt     time.Time
	LastAt      time.Time
	FirstRecord int64
	LastRecord  int64
	ClosedBy    string
	ClosedAt    *time.Time
	Remark      string
}

func (alarmRow) TableName() string { return "audit_alarms" }

func (r alarmRow) alarm() alarm.Alarm {
	return alarm.Alarm{
		ID: r.ID, Kind: alarm.Kind(r.Kind), Cause: r.Cause, Day: r.Day, Count: r.N, Limit: r.Most, FirstAt: r.FirstAt.UTC(),
		LastAt: r.LastAt.UTC(), FirstRecord: r.FirstRecord, LastRecord: r.LastRecord, ClosedBy: r.ClosedBy, ClosedAt: moment(r.ClosedAt),
		Remark: r.Remark,
	}
}

// watched is the number of records that one transaction looks through for alarms.
const watched = 500

// countsLife is how long counts are kept after the last record that they count: longer than
// a day, which is the longest period.
const countsLife = 49 * time.Hour

// centreHabit is how long somebody must have been seeing patients before a centre can be
// unusual: at the start every centre is new.
const centreHabit = 30 * 24 * time.Hour

// RaiseAlarms looks through the next records of the access log that nobody has looked
// through yet, and stores the alarms that they are. It returns those that are new, and
// whether there are more records.
//
// The transaction holds the row of the sequence that says which record is next. So any
// number of processes take turns, and each record counts once. Records are committed in the
// order of their numbers, so that none of them appears behind the next one.
func (s *Store) RaiseAlarms(ctx context.Context, l alarm.Limits) (raised []alarm.Alarm, more bool, err error) {
	var idle bool
	if idle, err = s.nothingToWatch(ctx); err != nil || idle {
		return nil, false, s.dialect.clean(err)
	}
	err = s.write(ctx, func(t *tx) error {
		raised, more = nil, false
		next, err := t.next("audit_watched", 0)
		if err != nil {
			return err
		}
		var rows []eventRow
		if err := t.db.Where("id >= ?", next).Order("id").Limit(watched).Find(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		more = len(rows) == watched
		if _, err := t.next("audit_watched", int(rows[len(rows)-1].ID+1-next)); err != nil {
			return err
		}
		w := watch{t: t, limits: l}
		if err := w.count(rows); err != nil {
			return err
		}
		if err := w.unusualCentres(rows); err != nil {
			return err
		}
		raised = w.raised
		return t.db.Exec("DELETE FROM audit_counts WHERE last_at < ?", t.at.Add(-countsLife)).Error
	})
	return raised, more, err
}

// nothingToWatch reports whether all records were looked through. It takes no lock, for
// mostly that is so.
func (s *Store) nothingToWatch(ctx context.Context) (bool, error) {
	var left int64
	err := s.read(ctx).Raw("SELECT COUNT(*) FROM sequences e JOIN sequences w ON w.name = ? AND w.next < e.next WHERE e.name = ?",
		"audit_watched", "audit_events").Scan(&left).Error
	return left == 0, err
}

// watch is the looking through of some records.
type watch struct {
	t      *tx
	limits alarm.Limits
	raised []alarm.Alarm
}

// counted is what some records add to one count.
type counted struct {
	alarm.Count
	first, last eventRow
}

// count counts the records, and raises an alarm for each count that reaches its limit.
func (w *watch) count(rows []eventRow) error {
	type key struct {
		kind          alarm.Kind
		cause, period string
	}
	sums := map[key]*counted{}
	var order []*counted
	for _, r := range rows {
		for _, c := range w.limits.Of(r.event()) {
			k := key{c.Kind, c.Cause, c.Period}
			sum, ok := sums[k]
			if !ok {
				sum = &counted{Count: c, first: r}
				sum.N = 0
				sums[k], order = sum, append(order, sum)
			}
			sum.N += c.N
			sum.last = r
		}
	}
	for _, sum := range order {
		if err := w.add(sum); err != nil {
			return err
		}
	}
	return nil
}

type countRow struct {
	N           int
	FirstAt     time.Time
	FirstRecord int64
}

// add adds to one count.
func (w *watch) add(c *counted) error {
	t := w.t
	res := t.db.Exec("UPDATE audit_counts SET n = n + ?, last_at = ? WHERE kind = ? AND cause = ? AND period = ?",
		c.N, c.last.At, string(c.Kind), c.Cause, c.Period)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		if err := t.db.Exec(
			"INSERT INTO audit_counts (kind, cause, period, n, first_at, first_record, last_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			string(c.Kind), c.Cause, c.Period, c.N, c.first.At, c.first.ID, c.last.At).Error; err != nil {
			return err
		}
	}
	var now countRow
	if err := t.db.Raw("SELECT n, first_at, first_record FROM audit_counts WHERE kind = ? AND cause = ? AND period = ?",
		string(c.Kind), c.Cause, c.Period).Scan(&now).Error; err != nil || now.N < c.Limit {
		return err
	}
	return w.raise(alarmRow{
		Kind: string(c.Kind), Cause: c.Cause, Day: w.limits.Day(c.last.At), Period: c.Period, N: now.N, Most: c.Limit,
		FirstAt: now.FirstAt, FirstRecord: now.FirstRecord, LastAt: c.last.At, LastRecord: c.last.ID,
	})
}

// raise stores an alarm, or what it has become if it is open already. After somebody has
// closed it, it takes as many again to raise the next one of that day.
func (w *watch) raise(a alarmRow) error {
	t := w.t
	var last alarmRow
	err := first(t.db.Where("kind = ? AND day = ? AND cause = ?", a.Kind, a.Day, a.Cause).Order("id DESC"), &last)
	switch {
	case errors.Is(err, errNotFound):
	case err != nil:
		return err
	case last.ClosedAt == nil:
		return t.db.Exec("UPDATE audit_alarms SET n = ?, period = ?, last_at = ?, last_record = ? WHERE id = ?",
			max(a.N, last.N), a.Period, a.LastAt, a.LastRecord, last.ID).Error
	case last.Period == a.Period && a.N-last.N < a.Most:
		return nil
	}
	if a.ID, err = t.next("audit_alarms", 1); err != nil {
		return err
	}
	if err := t.db.Create(&a).Error; err != nil {
		return err
	}
	w.raised = append(w.raised, a.alarm())
	return t.record(audit.Event{
		Type: audit.AlarmRaised, Action: audit.Create, Who: audit.Who{Name: "systeem", Via: audit.ViaWorker},
		ObjectType: "alarm", ObjectID: strconv.FormatInt(a.ID, 10), Code: a.Kind,
	})
}

// unusualCentres raises an alarm for each person who saw a patient of a centre in which they
// saw none for long.
func (w *watch) unusualCentres(rows []eventRow) error {
	if w.limits.CentreDays <= 0 {
		return nil
	}
	opened := map[int64]eventRow{}
	var ids []int64
	for _, r := range rows {
		if r.UserName != "" && alarm.Opens(r.event()) {
			opened[r.ID] = r
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var seen []struct{ EventID, CentreID int64 }
	err := w.t.db.Raw(`SELECT DISTINCT s.event_id, p.centre_id FROM audit_subjects s JOIN patients p ON p.id = s.patient_id
		WHERE s.event_id IN ? ORDER BY s.event_id, p.centre_id`, ids).Scan(&seen).Error
	if err != nil {
		return err
	}
	for _, x := range seen {
		if err := w.centre(opened[x.EventID], x.CentreID); err != nil {
			return err
		}
	}
	return nil
}

type centreSeenRow struct{ FirstAt, LastAt time.Time }

// centre notes that a person saw a patient of a centre.
func (w *watch) centre(r eventRow, centreID int64) error {
	t := w.t
	var seen []centreSeenRow
	if err := t.db.Raw("SELECT first_at, last_at FROM audit_centres WHERE cause = ? AND centre_id = ?", r.UserName, centreID).
		Scan(&seen).Error; err != nil {
		return err
	}
	if len(seen) > 0 {
		if err := t.db.Exec("UPDATE audit_centres SET last_at = ? WHERE cause = ? AND centre_id = ?", r.At, r.UserName, centreID).
			Error; err != nil {
			return err
		}
		if r.At.Sub(seen[0].LastAt) < time.Duration(w.limits.CentreDays)*24*time.Hour {
			return nil
		}
	}
	var experienced int64
	if err := t.db.Raw("SELECT COUNT(*) FROM audit_centres WHERE cause = ? AND first_at < ?", r.UserName, stamp(r.At.Add(-centreHabit))).
		Scan(&experienced).Error; err != nil {
		return err
	}
	if len(seen) == 0 {
		if err := t.db.Exec("INSERT INTO audit_centres (cause, centre_id, first_at, last_at) VALUES (?, ?, ?, ?)",
			r.UserName, centreID, r.At, r.At).Error; err != nil {
			return err
		}
	}
	if experienced == 0 {
		return nil
	}
	day := w.limits.Day(r.At)
	return w.raise(alarmRow{
		Kind: string(alarm.OtherCentre), Cause: r.UserName, Day: day, Period: day, N: 1, Most: 1, CentreID: centreID,
		FirstAt: r.At, LastAt: r.At, FirstRecord: r.ID, LastRecord: r.ID,
	})
}

// Alarms returns a page of alarms, the newest first, with its event.
func (s *Store) Alarms(ctx context.Context, who audit.Who, q alarm.Query) (page alarm.Page, err error) {
	err = s.write(ctx, func(t *tx) error {
		page = alarm.Page{}
		db := t.db.Model(&alarmRow{})
		if q.Open {
			db = db.Where("closed_at IS NULL")
		}
		if q.After > 0 {
			db = db.Where("id < ?", q.After)
		}
		var rows []alarmRow
		if err := db.Order("id DESC").Limit(q.Limit + 1).Find(&rows).Error; err != nil {
			return err
		}
		if len(rows) > q.Limit {
			rows = rows[:q.Limit]
			page.Next = rows[q.Limit-1].ID
		}
		for _, r := range rows {
			page.Alarms = append(page.Alarms, r.alarm())
		}
		return t.record(audit.Event{Type: audit.AlarmsListed, Action: audit.Read, Who: who, ObjectType: "alarms"})
	})
	return page, err
}

// Alarm returns one alarm with its event, or apperr.NotFound.
func (s *Store) Alarm(ctx context.Context, who audit.Who, id int64) (a alarm.Alarm, err error) {
	err = s.write(ctx, func(t *tx) error {
		var r alarmRow
		if err := first(t.db.Where("id = ?", id), &r); err != nil {
			return err
		}
		a = r.alarm()
		if r.CentreID != 0 {
			centres, err := centresByID(t.db)
			if err != nil {
				return err
			}
			if c, ok := centres[r.CentreID]; ok {
				a.CentreNumber = c.Number
			}
		}
		return t.record(audit.Event{
			Type: audit.AlarmsListed, Action: audit.Read, Who: who, ObjectType: "alarm", ObjectID: strconv.FormatInt(id, 10),
		})
	})
	return a, err
}

// CloseAlarm stores that who looked at an alarm and what they found. If somebody else was
// first, the error is apperr.Conflict "alarm_closed".
func (s *Store) CloseAlarm(ctx context.Context, who audit.Who, id int64, remark string) error {
	return s.write(ctx, func(t *tx) error {
		var r alarmRow
		if err := first(t.dialect.forUpdate(t.db, "audit_alarms").Where("id = ?", id), &r); err != nil {
			return err
		}
		if r.ClosedAt != nil {
			return apperr.New(apperr.Conflict, "alarm_closed")
		}
		if err := t.db.Exec("UPDATE audit_alarms SET closed_by = ?, closed_at = ?, remark = ? WHERE id = ?",
			cut(who.Name, 300), t.at, cut(remark, account.MaxReason), id).Error; err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AlarmClosed, Action: audit.Update, Who: who, ObjectType: "alarm", ObjectID: strconv.FormatInt(id, 10), Code: r.Kind,
			Reason: remark,
		})
	})
}

// OpenAlarms returns how many alarms nobody has closed, by kind. Kinds without one are in it
// with 0.
func (s *Store) OpenAlarms(ctx context.Context) (map[alarm.Kind]int, error) {
	var rows []struct {
		Kind string
		N    int
	}
	err := s.read(ctx).Raw("SELECT kind, COUNT(*) AS n FROM audit_alarms WHERE closed_at IS NULL GROUP BY kind").Scan(&rows).Error
	if err != nil {
		return nil, s.dialect.clean(err)
	}
	out := map[alarm.Kind]int{}
	for _, k := range alarm.Kinds {
		out[k] = 0
	}
	for _, r := range rows {
		out[alarm.Kind(r.Kind)] = r.N
	}
	return out, nil
}
