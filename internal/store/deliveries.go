package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

type deliveryRow struct {
	ID       int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID string
	CentreID int64
	// ProcessorID is set if a processor delivered on behalf of the centre.
	ProcessorID *int64
	Filename    string
	Kind        string
	Mode        string
	State       string
	Via         string
	Confirmed   bool
	UserID      int64
	UserName    string
	UserRole    string
	Address     string
	RequestID   string
	FileMAC     []byte `gorm:"column:file_mac"`
	FileBytes   int64
	SameAs      string
	KeyID       string
	WrappedKey  []byte
	Columns     string
	Refusals    string
	Notes       string
	FailCode    string
	RowsRead    int
	NCreated    int
	NUpdated    int
	NUnchanged  int
	NRejected   int
	NReview     int
	PCreated    int
	PUpdated    int
	PUnchanged  int
	PRejected   int
	PReview     int
	Warnings    int
	Chunks      int
	Prepared    int
	Resolved    int
	Registered  int
	Paused      bool
	Denied      bool
	DatasetID   string
	NextTryAt   *time.Time
	LeaseUntil  time.Time
	Fence       int64
	Failures    int
	CreatedAt   time.Time
	FinishedAt  *time.Time
	ExpiresAt   *time.Time
	Assignment  string
	ClockAt     *time.Time
	ClockDone   int

	Repairs         string
	RepairRoot      *int64
	NRepairs        int
	NRepaired       int
	NUntraced       int
	ReportExpiredAt *time.Time
}

func (deliveryRow) TableName() string { return "deliveries" }

func (r deliveryRow) delivery(centreNumber string) delivery.Delivery {
	d := delivery.Delivery{
		ProcessorID: r.processor(),
		ID:          r.ID, PublicID: r.PublicID, CentreID: r.CentreID, CentreNumber: centreNumber, Filename: r.Filename,
		Kind: delivery.Kind(r.Kind), Mode: delivery.Mode(r.Mode), State: delivery.State(r.State), Via: audit.Via(r.Via),
		CreatedBy: r.UserName, CreatedAt: r.CreatedAt.UTC(), FinishedAt: moment(r.FinishedAt), ExpiresAt: moment(r.ExpiresAt),
		Paused: r.pause(), DatasetID: r.DatasetID, NextTryAt: moment(r.NextTryAt), SameAs: r.SameAs, Warnings: r.Warnings, Chunks: r.Chunks,
		Prepared: r.Prepared, Resolved: r.Resolved, Registered: r.Registered, FailCode: r.FailCode,
		ClockAt: moment(r.ClockAt), ClockDone: r.ClockDone,
		Repairs: r.Repairs, RepairRoot: r.root(), LaterRepairs: r.NRepairs, Repaired: r.NRepaired, Untraced: r.NUntraced,
		ReportExpiredAt: moment(r.ReportExpiredAt),
		Counts: patient.Counts{
			Read: r.RowsRead, Created: r.NCreated, Updated: r.NUpdated, Unchanged: r.NUnchanged, Rejected: r.NRejected, Review: r.NReview,
		},
		Planned: patient.Counts{
			Read: r.RowsRead, Created: r.PCreated, Updated: r.PUpdated, Unchanged: r.PUnchanged, Rejected: r.PRejected, Review: r.PReview,
		},
	}
	d.Counts.Pending = d.Counts.Read - d.Counts.Stored() - d.Counts.Rejected - d.Counts.Review
	d.Planned.Pending = d.Planned.Read - d.Planned.Stored() - d.Planned.Rejected - d.Planned.Review
	// Sluis wrote these three itself, so they are readable.
	_ = json.Unmarshal([]byte(r.Columns), &d.Columns)
	_ = json.Unmarshal([]byte(r.Refusals), &d.Refusals)
	_ = json.Unmarshal([]byte(r.Notes), &d.Notes)
	return d
}

func (r deliveryRow) processor() int64 {
	if r.ProcessorID == nil {
		return 0
	}
	return *r.ProcessorID
}

func (r deliveryRow) pause() delivery.Pause {
	switch {
	case !r.Paused:
		return delivery.NotPaused
	case r.Denied:
		return delivery.PauseDenied
	}
	return delivery.PauseDown
}

// assignment returns the columns as a user assigned them, or nil if none did.
func (r deliveryRow) assignment() *delivery.Assignment {
	var a delivery.Assignment
	if r.Assignment == "" || json.Unmarshal([]byte(r.Assignment), &a) != nil {
		return nil
	}
	return &a
}

// who returns the person on whose behalf the delivery is worked on.
func (r deliveryRow) who() audit.Who {
	return audit.Who{
		UserID: r.UserID, Name: r.UserName, Role: r.UserRole, CentreID: r.CentreID, Address: r.Address, RequestID: r.RequestID,
		Via: audit.ViaWorker,
	}
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = stamp(t)
	return &t
}

func nullTime(t time.Time) sql.NullTime { return sql.NullTime{Time: stamp(t), Valid: !t.IsZero()} }

// listedDelivery is a delivery with its centre's number.
type listedDelivery struct {
	Row          deliveryRow `gorm:"embedded"`
	CentreNumber string
	Processor    *string // its name, if the query selects it
	Brake        int     // of the centre, if the query selects it
}

func (r listedDelivery) delivery() delivery.Delivery {
	d := r.Row.delivery(r.CentreNumber)
	if r.Processor != nil {
		d.Processor = *r.Processor
	}
	return d
}

// behalf returns the centre on whose behalf somebody with this scope acts on the delivery;
// 0 if it is their own, or nobody's.
func (r listedDelivery) behalf(scope account.Scope) int64 {
	if id, _ := scope.Processor(); id == 0 {
		return 0
	}
	return r.Row.CentreID
}

// deliveriesIn returns a query of the deliveries in scope. A processor's are its own, for
// the centres of which it has a mandate.
func deliveriesIn(db *gorm.DB, scope account.Scope) *gorm.DB {
	db = db.Table("deliveries d").Select("d.*, c.number AS centre_number, p.name AS processor").
		Joins("JOIN centres c ON c.id = d.centre_id").Joins("LEFT JOIN processors p ON p.id = d.processor_id")
	if id, centres := scope.Processor(); id != 0 {
		return db.Where("d.processor_id = ? AND d.centre_id IN ?", id, append([]int64{0}, centres...))
	}
	return scoped(db, scope, "d.centre_id")
}

// findDelivery reads one delivery in scope.
func findDelivery(db *gorm.DB, scope account.Scope, publicID string) (listedDelivery, error) {
	var r listedDelivery
	err := first(deliveriesIn(db, scope).Where("d.public_id = ? AND d.state <> ?", publicID, string(delivery.Receiving)).Order("d.id"), &r)
	return r, err
}

// finalStates are the states after which nothing happens.
var finalStates = []string{string(delivery.Done), string(delivery.Refused), string(delivery.Failed), string(delivery.Cancelled)}

// Delivery returns one delivery without an event. It is for the progress of a delivery
// whose page is in the log already.
func (s *Store) Delivery(ctx context.Context, scope account.Scope, publicID string) (delivery.Delivery, error) {
	r, err := findDelivery(s.read(ctx), scope, publicID)
	if err != nil {
		return delivery.Delivery{}, s.dialect.clean(err)
	}
	return r.delivery(), nil
}

// Ahead returns the number of deliveries of the same centre that go before d.
func (s *Store) Ahead(ctx context.Context, d delivery.Delivery) (int, error) {
	var n int64
	err := s.read(ctx).Table("deliveries").Where("centre_id = ? AND id < ? AND state IN ?", d.CentreID, d.ID, workingStates).Count(&n).Error
	return int(n), s.dialect.clean(err)
}

// ViewDelivery returns one delivery, with its event.
func (s *Store) ViewDelivery(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (delivery.Delivery, error) {
	var d delivery.Delivery
	err := s.write(ctx, func(t *tx) error {
		r, err := findDelivery(t.db, scope, publicID)
		if err != nil {
			return err
		}
		d = r.delivery()
		return t.record(audit.Event{
			Type: audit.DeliveryViewed, Action: audit.Read, Who: onBehalf(who, r.behalf(scope)), ObjectType: "delivery", ObjectID: publicID,
		})
	})
	return d, err
}

// Deliveries returns a page of deliveries, newest first, with its event.
func (s *Store) Deliveries(ctx context.Context, who audit.Who, scope account.Scope, q delivery.Query) (delivery.Page, error) {
	var page delivery.Page
	err := s.write(ctx, func(t *tx) error {
		page = delivery.Page{}
		limit := limitOf(q.Limit)
		db := deliveriesIn(t.db, scope).Where("d.state <> ?", string(delivery.Receiving))
		if q.CentreNumber != "" {
			db = db.Where("c.number = ?", q.CentreNumber)
		}
		switch q.Group {
		case delivery.Open:
			db = db.Where("d.state NOT IN ?", finalStates)
		case delivery.Closed:
			db = db.Where("d.state IN ?", finalStates)
		case delivery.ToMend:
			db = db.Where("((d.state = ? AND d.n_rejected > 0) OR d.state IN ?)", string(delivery.Done),
				[]string{string(delivery.Refused), string(delivery.Failed)}).
				Where(notMended, string(delivery.Done))
		}
		if len(q.Statuses) > 0 {
			db = db.Where("((d.paused = ? AND d.state IN ?) OR (d.paused = ? AND d.state IN ?))",
				false, stateNames(delivery.StatesOf(delivery.NotPaused, q.Statuses...)),
				true, stateNames(delivery.StatesOf(delivery.PauseDown, q.Statuses...)))
		}
		if !q.Since.IsZero() {
			db = db.Where("d.created_at >= ?", stamp(q.Since))
		}
		if q.After != "" {
			last, err := findDelivery(t.db, scope, q.After)
			if err != nil {
				return err
			}
			db = db.Where("d.id < ?", last.Row.ID)
		}
		var rows []listedDelivery
		if err := db.Order("d.id DESC").Limit(limit + 1).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			page.Next = rows[limit-1].Row.PublicID
		}
		for _, r := range rows {
			page.Deliveries = append(page.Deliveries, r.delivery())
		}
		return t.record(audit.Event{Type: audit.DeliveriesListed, Action: audit.Read, Who: who, ObjectType: "deliveries"})
	})
	return page, err
}

// stateNames returns states as a statement has them.
func stateNames(states []delivery.State) []string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return names
}

// changeWaiting applies a person's change to a delivery in one of the states in from,
// with its event. In any other state the error is miss. A worker that has claimed the
// delivery loses it.
func (s *Store) changeWaiting(ctx context.Context, who audit.Who, scope account.Scope, id string, from []delivery.State, miss error,
	typ audit.Type, change func(t *tx, r deliveryRow) error,
) error {
	return s.write(ctx, func(t *tx) error {
		r, err := findDelivery(t.db, scope, id)
		if err != nil {
			return err
		}
		res := t.db.Exec("UPDATE deliveries SET fence = fence + 1, lease_until = ? WHERE id = ? AND state IN ?", t.at, r.Row.ID,
			stateNames(from))
		if err := one(res, miss); err != nil {
			return err
		}
		if err := change(t, r.Row); err != nil {
			return err
		}
		who := onBehalf(who, r.behalf(scope))
		return t.record(audit.Event{Type: typ, Action: audit.Update, Who: who, ObjectType: "delivery", ObjectID: id})
	})
}

// SaveChecked lets a delivery that waits for a person go on. It is decided once more,
// and then stored.
func (s *Store) SaveChecked(ctx context.Context, who audit.Who, scope account.Scope, id string) error {
	return s.changeWaiting(ctx, who, scope, id, []delivery.State{delivery.Checked, delivery.Confirm},
		apperr.New(apperr.Conflict, "delivery_not_waiting"), audit.DeliverySaved, func(t *tx, r deliveryRow) error {
			if delivery.Kind(r.Kind) == delivery.Conversion {
				return errNotTheirs
			}
			if err := t.requireMandate(r.processor(), r.CentreID); err != nil {
				return err
			}
			return t.db.Exec("UPDATE deliveries SET state = ?, mode = ?, confirmed = ?, expires_at = NULL WHERE id = ?",
				string(delivery.Deciding), string(delivery.Save), true, r.ID).Error
		})
}

// openStates are the states from which a delivery can be ended.
var openStates = []delivery.State{
	delivery.Received, delivery.Mapping, delivery.Feeding, delivery.Exchanging, delivery.Deciding, delivery.Checked, delivery.Confirm,
	delivery.Registering,
}

// Cancel ends a delivery that is not final, and erases its sealed content. Rows that
// are stored already stay stored.
func (s *Store) Cancel(ctx context.Context, who audit.Who, scope account.Scope, id string) error {
	var ended int64
	err := s.changeWaiting(ctx, who, scope, id, openStates, apperr.New(apperr.Conflict, "delivery_not_cancellable"), audit.DeliveryCancel,
		func(t *tx, r deliveryRow) error {
			if delivery.Kind(r.Kind) == delivery.Conversion {
				return errNotTheirs
			}
			ended = r.ID
			return t.end(r.ID, openStates, delivery.Cancelled, "")
		})
	if err == nil {
		s.tidy(ctx, ended, sealedParts...)
	}
	return err
}

// errNotTheirs is returned to a centre that wants to save or cancel a delivery of the
// conversion. Only the registry may.
var errNotTheirs = apperr.New(apperr.Forbidden, "forbidden")

// RetryDelivery lets a paused delivery, and its chunks, try the TTP at once.
func (s *Store) RetryDelivery(ctx context.Context, who audit.Who, scope account.Scope, id string) error {
	return s.write(ctx, func(t *tx) error {
		r, err := findDelivery(t.db, scope, id)
		if err != nil {
			return err
		}
		if err := t.db.Exec("UPDATE chunks SET next_try_at = ? WHERE delivery_id = ? AND next_try_at > ?", t.at, r.Row.ID,
			t.at).Error; err != nil {
			return err
		}
		if err := t.db.Exec("UPDATE deliveries SET next_try_at = ? WHERE id = ? AND paused = ?", t.at, r.Row.ID, true).Error; err != nil {
			return err
		}
		// A delivery that is itself fetched from the TTP waits by its lease.
		err = t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE id = ? AND paused = ? AND state = ? AND lease_until > ?",
			t.at, r.Row.ID, true, string(delivery.Received), t.at).Error
		if err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.DeliveryRetried, Action: audit.Execute, Who: onBehalf(who, r.behalf(scope)), ObjectType: "delivery", ObjectID: id,
		})
	})
}

// end puts a delivery in a final state and destroys its key. Nobody can read any more
// what was sealed under that key; the caller clears it afterwards. If the delivery is
// in none of the states in from any more, end returns delivery.ErrLost.
func (t *tx) end(id int64, from []delivery.State, state delivery.State, failCode string) error {
	res := t.db.Exec(`UPDATE deliveries SET state = ?, fail_code = ?, key_id = '', wrapped_key = ?, paused = ?, next_try_at = NULL,
		expires_at = NULL, finished_at = ?, fence = fence + 1 WHERE id = ? AND state IN ?`,
		string(state), failCode, []byte(nil), false, t.at, id, stateNames(from))
	return one(res, delivery.ErrLost)
}

// Expire cancels checks that nobody answered in time, fails uploads that no worker
// parsed in time, and drops uploads that broke off: those that began longer ago than
// abandoned. It returns the number of deliveries that it ended.
func (s *Store) Expire(ctx context.Context, now time.Time, abandoned time.Duration) (int, error) {
	n := 0
	err := s.write(ctx, func(t *tx) error {
		n = 0
		var rows []deliveryRow
		err := t.db.Where("(expires_at < ? AND state IN ?) OR (created_at < ? AND state = ? AND dataset_id = '')", stamp(now),
			[]string{string(delivery.Checked), string(delivery.Confirm), string(delivery.Mapping)}, stamp(now.Add(-delivery.UploadLife)),
			string(delivery.Received)).Find(&rows).Error
		if err != nil {
			return err
		}
		for _, r := range rows {
			end := delivery.Cancelled
			if delivery.State(r.State) == delivery.Received {
				end = delivery.Failed
			}
			err := t.end(r.ID, []delivery.State{delivery.State(r.State)}, end, "lapsed")
			if errors.Is(err, delivery.ErrLost) { // a person was quicker
				continue
			} else if err != nil {
				return err
			}
			who := r.who()
			who.UserID, who.Name, who.Role = 0, "systeem", ""
			err = t.record(audit.Event{
				Type: audit.DeliveryCancel, Action: audit.Delete, Who: who, ObjectType: "delivery", ObjectID: r.PublicID, Code: "lapsed",
			})
			if err != nil {
				return err
			}
		}
		n = len(rows)
		rows = nil
		if err := t.db.Where("state = ? AND created_at < ?", string(delivery.Receiving), stamp(now.Add(-abandoned))).
			Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if _, err := t.drop(r.ID); err != nil {
				return err
			}
		}
		n += len(rows)
		return t.db.Exec("DELETE FROM idempotency_keys WHERE created_at < ?", stamp(now.Add(-delivery.RequestLife))).Error
	})
	if err == nil && n > 0 {
		err = s.Sweep(ctx)
	}
	return n, err
}

// KeyIDsInUse returns the ids of the wrapping keys that deliveries and messages still need.
func (s *Store) KeyIDsInUse(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.read(ctx).Raw("SELECT key_id FROM deliveries WHERE key_id <> '' UNION SELECT key_id FROM mails WHERE key_id <> ''").Scan(&ids).Error
	return ids, s.dialect.clean(err)
}
