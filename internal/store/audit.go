package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/tree"
)

type eventRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	At         time.Time
	Type       string
	Action     string
	Result     int
	UserID     int64
	UserName   string
	Role       string
	CentreID   int64
	Address    string
	RequestID  string
	Via        string
	ObjectType string
	ObjectID   string
	Code       string
	Subjects   int
	Reason     string
	Source     string
	Seal       []byte
}

// eventColumns are those of eventRow, in its order.
const eventColumns = "id, at, type, action, result, user_id, user_name, role, centre_id, address, request_id, via, object_type, " +
	"object_id, code, subjects, reason, source, seal"

func (eventRow) TableName() string { return "audit_events" }

func (r eventRow) event() audit.Event {
	return audit.Event{
		ID: r.ID, At: r.At.UTC(), Type: audit.Type(r.Type), Action: audit.Action(r.Action), Result: audit.Result(r.Result),
		Who: audit.Who{
			UserID: r.UserID, Name: r.UserName, Role: r.Role, CentreID: r.CentreID, Address: r.Address,
			RequestID: r.RequestID, Via: audit.Via(r.Via),
		},
		ObjectType: r.ObjectType, ObjectID: r.ObjectID, Code: r.Code, Reason: r.Reason, Source: r.Source, SubjectCount: r.Subjects,
	}
}

// idRange is n consecutive ids.
type idRange struct {
	first int64
	n     int
}

// record writes an event and its subjects, in the transaction of the act that it
// records.
func (t *tx) record(ev audit.Event) error { return t.recordNew(ev, idRange{}) }

// recordNew is record for an event that is also about patients created in this
// transaction. They are many and have consecutive ids, so one statement writes all
// of them as subjects.
func (t *tx) recordNew(ev audit.Event, created idRange) error {
	err := t.addEvent(ev, created)
	t.unrecorded = t.unrecorded || err != nil
	return err
}

func (t *tx) addEvent(ev audit.Event, created idRange) error {
	id, err := t.next("audit_events", 1)
	if err != nil {
		return err
	}
	ev.ID, ev.At, ev.Source = id, t.at, t.source
	ev.Name, ev.Role, ev.Address = cut(ev.Name, 300), cut(ev.Role, 100), cut(ev.Address, 64)
	ev.RequestID, ev.Via = cut(ev.RequestID, 64), audit.Via(cut(string(ev.Via), 10))
	ev.ObjectID, ev.Code, ev.Reason = cut(ev.ObjectID, 64), cut(ev.Code, 60), cut(ev.Reason, 200)
	whole := ev
	whole.Subjects = slices.Grow(slices.Clone(ev.Subjects), created.n)
	for i := range created.n {
		whole.Subjects = append(whole.Subjects, audit.Subject{PatientID: created.first + int64(i), Action: audit.Create})
	}
	var data, seal []byte
	if !t.plainLog {
		data = tree.Encode(whole)
		seal = t.auditKey.Seal(data)
	}
	row := eventRow{
		ID: id, At: ev.At, Type: string(ev.Type), Action: string(ev.Action), Result: int(ev.Result),
		UserID: ev.UserID, UserName: ev.Name, Role: ev.Role, CentreID: ev.CentreID, Address: ev.Address,
		RequestID: ev.RequestID, Via: string(ev.Via), ObjectType: ev.ObjectType, ObjectID: ev.ObjectID,
		Code: ev.Code, Subjects: len(whole.Subjects), Reason: ev.Reason, Source: ev.Source, Seal: seal,
	}
	var hashes []tree.Hash
	if !t.plainLog {
		if hashes, err = t.growTree(id, tree.Leaf(data, seal)); err != nil {
			return err
		}
	}
	return t.dialect.storeEvent(t, newEvent{row, ev, created, hashes})
}

// newEvent is an event to be stored: its subjects are those of ev and the patients
// created, and hashes are what it adds to the tree.
type newEvent struct {
	row     eventRow
	ev      audit.Event
	created idRange
	hashes  []tree.Hash
}

// storeEvent stores an event table by table.
func storeEvent(t *tx, x newEvent) error {
	r := x.row
	err := t.quick("INSERT INTO audit_events ("+eventColumns+") VALUES ("+marks(19)+")",
		r.ID, r.At, r.Type, r.Action, r.Result, r.UserID, r.UserName, r.Role, r.CentreID, r.Address, r.RequestID, r.Via, r.ObjectType,
		r.ObjectID, r.Code, r.Subjects, r.Reason, r.Source, r.Seal).Error
	if err != nil {
		return err
	}
	if err := t.recordSubjects(x.ev, x.created); err != nil {
		return err
	}
	return t.addHashes(r.ID, x.hashes)
}

// logError says that an event cannot be recorded. What it was about did not happen, and
// nothing else can happen until an operator has acted: that is a fault of the storage.
type logError struct{ err error }

func (e logError) Error() string { return "the access log cannot be written: " + e.err.Error() }
func (e logError) Unwrap() error { return e.err }

// StorageFault is for [apperr.IsStorage].
func (logError) StorageFault() bool { return true }

func (t *tx) recordSubjects(ev audit.Event, created idRange) error {
	if created.n > 0 {
		res := t.db.Exec("INSERT INTO audit_subjects (event_id, patient_id, action) SELECT ?, id, ? FROM patients WHERE id BETWEEN ? AND ?",
			ev.ID, string(audit.Create), created.first, created.first+int64(created.n)-1)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected != int64(created.n) {
			return fmt.Errorf("store: an event about %d new patients found %d", created.n, res.RowsAffected)
		}
	}
	if len(ev.Subjects) == 0 {
		return nil
	}
	return t.dialect.insert(t.db.Statement.Context, t.raw, "audit_subjects", []string{"event_id", "patient_id", "action"}, len(ev.Subjects),
		func(i int) []any { return []any{ev.ID, ev.Subjects[i].PatientID, string(ev.Subjects[i].Action)} })
}

// cut returns at most n characters of s, as every database returns them: what is not
// UTF-8, and a byte 0, would come back as something else than was hashed.
func cut(s string, n int) string {
	s = readable(s)
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// Record writes an event in a transaction of its own, for example a refused sign-in.
func (s *Store) Record(ctx context.Context, ev audit.Event) error {
	return s.write(ctx, func(t *tx) error { return t.record(ev) })
}
