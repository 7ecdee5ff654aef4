package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
)

type conversionRunRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID   string
	Mode       string
	Source     string
	Mapping    string
	Sample     int
	Total      int
	UserID     int64
	UserName   string
	UserRole   string
	Address    string
	WaitsFor   string
	NextTryAt  *time.Time
	SeenAt     time.Time
	PausedAt   *time.Time
	PausedBy   string
	StartedAt  time.Time
	FinishedAt *time.Time
}

func (conversionRunRow) TableName() string { return "existing_runs" }

type conversionCentreRow struct {
	RunID      int64 `gorm:"primaryKey;autoIncrement:false"`
	CentreID   int64 `gorm:"primaryKey;autoIncrement:false"`
	Total      int
	Fed        int
	LastKey    string
	DeliveryID *int64
}

func (conversionCentreRow) TableName() string { return "existing_centres" }

func (r conversionRunRow) run() (conversion.Run, error) {
	out := conversion.Run{
		ID: r.ID, PublicID: r.PublicID, Mode: delivery.Mode(r.Mode), Table: r.Source, Sample: r.Sample, Total: r.Total,
		StartedBy: r.UserName, StartedAt: r.StartedAt.UTC(), FinishedAt: moment(r.FinishedAt), SeenAt: r.SeenAt.UTC(),
		PausedAt: moment(r.PausedAt), PausedBy: r.PausedBy, WaitsFor: conversion.Waits(r.WaitsFor), NextTryAt: moment(r.NextTryAt),
	}
	if err := json.Unmarshal([]byte(r.Mapping), &out.Mapping); err != nil {
		return out, errors.New("decode the mapping of a run: failed")
	}
	return out, nil
}

// StartRun begins a run, with its event. If another run is not finished, the error is
// apperr.Conflict "existing_under_way".
func (s *Store) StartRun(ctx context.Context, who audit.Who, n conversion.NewRun) (conversion.Run, error) {
	mapping, err := json.Marshal(n.Mapping)
	if err != nil {
		return conversion.Run{}, err
	}
	var id int64
	err = s.write(ctx, func(t *tx) error {
		var err error
		if id, err = t.next("existing_runs", 1); err != nil { // the second of two simultaneous calls waits here
			return err
		}
		var open int64
		if err := t.db.Table("existing_runs").Where("finished_at IS NULL AND mode = ?", string(n.Mode)).Count(&open).Error; err != nil {
			return err
		}
		if open > 0 {
			return apperr.New(apperr.Conflict, "existing_under_way")
		}
		row := conversionRunRow{
			ID: id, PublicID: n.PublicID, Mode: string(n.Mode), Source: cut(n.Table, 300), Mapping: string(mapping), Sample: n.Sample,
			Total:  n.Total,
			UserID: who.UserID, UserName: cut(who.Name, 300), UserRole: cut(who.Role, 100), Address: cut(n.Address, 64), SeenAt: t.at,
			StartedAt: t.at,
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		for centre, total := range n.Centres {
			if err := t.db.Create(&conversionCentreRow{RunID: id, CentreID: centre, Total: total}).Error; err != nil {
				return err
			}
		}
		return t.record(audit.Event{
			Type: audit.ConversionStarted, Action: audit.Execute, Who: who, ObjectType: "existing_run", ObjectID: n.PublicID,
			Code: string(n.Mode),
		})
	})
	if err != nil {
		return conversion.Run{}, err
	}
	return s.conversionRun(ctx, id)
}

// LatestRun returns the last run of a mode. ok is false if there was none.
func (s *Store) LatestRun(ctx context.Context, mode delivery.Mode) (run conversion.Run, ok bool, err error) {
	var ids []int64
	err = s.read(ctx).Table("existing_runs").Where("mode = ?", string(mode)).Order("id DESC").Limit(1).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return conversion.Run{}, false, s.dialect.clean(err)
	}
	run, err = s.conversionRun(ctx, ids[0])
	return run, err == nil, err
}

// conversionRun returns a run with its centres. It takes four queries.
func (s *Store) conversionRun(ctx context.Context, id int64) (conversion.Run, error) {
	var r conversionRunRow
	if err := first(s.read(ctx).Where("id = ?", id), &r); err != nil {
		return conversion.Run{}, s.dialect.clean(err)
	}
	run, err := r.run()
	if err != nil {
		return run, err
	}
	var centres []struct {
		Row          conversionCentreRow `gorm:"embedded"`
		Number, Name string
	}
	err = s.read(ctx).Table("existing_centres e").Select("e.*, c.number, c.name").Joins("JOIN centres c ON c.id = e.centre_id").
		Where("e.run_id = ?", id).Order("c.number").Scan(&centres).Error
	if err != nil {
		return run, s.dialect.clean(err)
	}
	var rows []listedDelivery
	err = s.read(ctx).Table("deliveries d").Select("d.*, c.number AS centre_number").Joins("JOIN centres c ON c.id = d.centre_id").
		Joins("JOIN existing_centres e ON e.delivery_id = d.id").Where("e.run_id = ?", id).Scan(&rows).Error
	if err != nil {
		return run, s.dialect.clean(err)
	}
	byID := make(map[int64]delivery.Delivery, len(rows))
	for _, r := range rows {
		byID[r.Row.ID] = r.delivery()
	}
	for _, c := range centres {
		x := conversion.CentreRun{
			CentreID:     c.Row.CentreID,
			CentreNumber: c.Number,
			CentreName:   c.Name,
			Total:        c.Row.Total,
			Fed:          c.Row.Fed,
			LastKey:      c.Row.LastKey,
		}
		if c.Row.DeliveryID != nil {
			if d, there := byID[*c.Row.DeliveryID]; there {
				x.Delivery = &d
			}
		}
		run.Centres = append(run.Centres, x)
	}
	var strays int64
	err = s.read(ctx).Table("existing_rows").Where("run_id = ? AND delivery_id IS NULL", id).Count(&strays).Error
	run.Strays = int(strays)
	return run, s.dialect.clean(err)
}

// PauseRun pauses or resumes a run, with its event.
func (s *Store) PauseRun(ctx context.Context, who audit.Who, publicID string, pause bool) error {
	return s.write(ctx, func(t *tx) error {
		set, typ, args := "paused_at = NULL, paused_by = ''", audit.ConversionResumed, []any{}
		if pause {
			set, typ, args = "paused_at = ?, paused_by = ?", audit.ConversionPaused, []any{t.at, cut(who.Name, 300)}
		}
		args = append(args, publicID)
		miss := apperr.New(apperr.Conflict, "existing_not_running")
		if err := one(t.db.Exec("UPDATE existing_runs SET "+set+" WHERE public_id = ? AND finished_at IS NULL", args...),
			miss); err != nil {
			return err
		}
		return t.record(audit.Event{Type: typ, Action: audit.Execute, Who: who, ObjectType: "existing_run", ObjectID: publicID})
	})
}

// RunPaused reports whether a person paused a run. It also records that the command is at
// work, what it waits for, and when it tries again.
func (s *Store) RunPaused(ctx context.Context, runID int64, waits conversion.Waits, next time.Time) (bool, error) {
	paused := false
	err := s.write(ctx, func(t *tx) error {
		if err := t.db.Exec("UPDATE existing_runs SET seen_at = ?, waits_for = ?, next_try_at = ? WHERE id = ?", t.at, string(waits),
			nullTime(next), runID).Error; err != nil {
			return err
		}
		var n int64
		err := t.db.Table("existing_runs").Where("id = ? AND paused_at IS NOT NULL", runID).Count(&n).Error
		paused = n > 0
		return err
	})
	return paused, err
}

// FinishRun ends a run whose centres are all done.
func (s *Store) FinishRun(ctx context.Context, who audit.Who, runID int64) error {
	return s.write(ctx, func(t *tx) error {
		var r conversionRunRow
		if err := first(t.dialect.forUpdate(t.db, "existing_runs").Where("id = ?", runID), &r); err != nil {
			return err
		}
		if r.FinishedAt != nil {
			return nil
		}
		if err := t.db.Exec("UPDATE existing_runs SET finished_at = ?, waits_for = '', next_try_at = NULL, paused_at = NULL, paused_by = '' WHERE id = ?", t.at, runID).Error; err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.ConversionFinished, Action: audit.Execute, Who: who, ObjectType: "existing_run", ObjectID: r.PublicID, Code: r.Mode,
		})
	})
}

// AddStrays records rows of no known centre, which no delivery gets. Keys that were
// recorded before stay as they are.
func (s *Store) AddStrays(ctx context.Context, runID int64, keys []string, code string) error {
	return s.write(ctx, func(t *tx) error {
		known := map[string]bool{}
		err := pieces(keys, t.dialect.maxIn(), func(part []string) error {
			var have []string
			err := t.db.Table("existing_rows").Where("run_id = ? AND legacy_id ?", runID, t.dialect.oneOf(&part)).
				Pluck("legacy_id", &have).Error
			for _, k := range have {
				known[k] = true
			}
			return err
		})
		if err != nil {
			return err
		}
		var fresh []string
		for _, k := range keys {
			if !known[k] {
				fresh = append(fresh, k)
			}
		}
		return t.addOldRows(ctx, runID, nil, 0, code, fresh)
	})
}

func (t *tx) addOldRows(ctx context.Context, runID int64, deliveryID *int64, firstLine int, code string, keys []string) error {
	columns := []string{"run_id", "legacy_id", "delivery_id", "line", "code"}
	return t.dialect.insert(ctx, t.raw, "existing_rows", columns, len(keys), func(i int) []any {
		line := firstLine + i
		if deliveryID == nil {
			line = 0
		}
		return []any{runID, keys[i], nullInt(deliveryID), line, code}
	})
}

// FeedCentre claims the delivery of a centre of a run, so that its rows can be read. It
// creates the delivery, as fresh describes it, if the centre has none or if its last one
// failed or was cancelled. ok is false if all rows were read already. The error is
// delivery.ErrLost if another command has the claim.
func (s *Store) FeedCentre(
	ctx context.Context,
	runID, centreID int64,
	fresh delivery.New,
	lease time.Duration,
) (feed conversion.Feed, ok bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		feed, ok = conversion.Feed{}, false
		var c conversionCentreRow
		// The second of two commands waits here, and finds the delivery of the first.
		mine := t.dialect.forUpdate(t.db, "existing_centres").Where("run_id = ? AND centre_id = ?", runID, centreID)
		if err := first(mine, &c); err != nil {
			return err
		}
		var d deliveryRow
		if c.DeliveryID != nil {
			if err := first(t.db.Where("id = ?", *c.DeliveryID), &d); err != nil {
				return err
			}
		}
		if c.DeliveryID == nil || delivery.State(d.State) == delivery.Failed || delivery.State(d.State) == delivery.Cancelled {
			var err error
			if d, err = t.beginFeeding(runID, &c, fresh); err != nil {
				return err
			}
		}
		if delivery.State(d.State) != delivery.Feeding {
			return nil
		}
		res := t.db.Exec("UPDATE deliveries SET fence = fence + 1, lease_until = ? WHERE id = ? AND fence = ? AND lease_until <= ?",
			t.at.Add(lease), d.ID, d.Fence, t.at)
		if err := one(res, delivery.ErrLost); err != nil {
			return err
		}
		var centre centreRow
		if err := first(t.db.Where("id = ?", centreID), &centre); err != nil {
			return err
		}
		feed = conversion.Feed{RunID: runID, CentreID: centreID, Fed: c.Fed, LastKey: c.LastKey, Claim: delivery.Claim{
			Delivery: d.delivery(centre.Number), Fence: d.Fence + 1, WrappedKey: d.WrappedKey, Who: d.who(),
		}}
		ok = true
		return nil
	})
	return feed, ok, err
}

// beginFeeding creates the delivery of a centre, to be read from its first row.
func (t *tx) beginFeeding(runID int64, c *conversionCentreRow, fresh delivery.New) (deliveryRow, error) {
	if c.DeliveryID != nil {
		if err := t.db.Exec("DELETE FROM existing_rows WHERE run_id = ? AND delivery_id = ?", runID, *c.DeliveryID).Error; err != nil {
			return deliveryRow{}, err
		}
	}
	id, err := t.ids("deliveries", 1)
	if err != nil {
		return deliveryRow{}, err
	}
	row := newDelivery(id, fresh, delivery.Feeding, t.at)
	row.Kind = string(delivery.Conversion)
	if err := t.db.Create(&row).Error; err != nil {
		return row, err
	}
	c.DeliveryID, c.Fed, c.LastKey = &id, 0, ""
	return row, t.db.Exec("UPDATE existing_centres SET delivery_id = ?, fed = 0, last_key = '' WHERE run_id = ? AND centre_id = ?",
		id, runID, c.CentreID).Error
}

// AddFed stores a chunk, and the place at which reading goes on, in one transaction.
func (s *Store) AddFed(ctx context.Context, f conversion.Feed, k delivery.Chunk, at conversion.Place) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(f.Claim); err != nil {
			return err
		}
		res := t.db.Exec("UPDATE existing_centres SET fed = fed + ?, last_key = ?"+
			" WHERE run_id = ? AND centre_id = ? AND fed = ? AND delivery_id = ?",
			len(at.Keys), at.LastKey, f.RunID, f.CentreID, k.FirstLine-1, f.Claim.Delivery.ID)
		if err := one(res, delivery.ErrLost); err != nil {
			return err
		}
		if err := t.addChunk(ctx, f.Claim, k); err != nil {
			return err
		}
		id := f.Claim.Delivery.ID
		if err := t.addOldRows(ctx, f.RunID, &id, k.FirstLine, "", at.Keys); err != nil {
			return err
		}
		return t.db.Exec("UPDATE existing_runs SET seen_at = ?, waits_for = '', next_try_at = NULL WHERE id = ?", t.at, f.RunID).Error
	})
}

// FinishFed notes that all rows of a delivery are read, so that it can be decided.
func (s *Store) FinishFed(ctx context.Context, f conversion.Feed) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(f.Claim); err != nil {
			return err
		}
		id := f.Claim.Delivery.ID
		err := t.db.Exec("UPDATE deliveries SET state = ?, lease_until = ? WHERE id = ?", string(delivery.Exchanging), t.at, id).Error
		if err != nil {
			return err
		}
		return t.db.Exec("UPDATE deliveries SET state = ? WHERE id = ? AND resolved = chunks", string(delivery.Deciding), id).Error
	})
}

// ConfirmConversion lets a delivery of a run go on that the brake has stopped.
func (s *Store) ConfirmConversion(ctx context.Context, who audit.Who, deliveryID string) error {
	return s.changeWaiting(ctx, who, account.AllCentres(), deliveryID, []delivery.State{delivery.Confirm},
		apperr.New(apperr.Conflict, "delivery_not_waiting"), audit.DeliverySaved, func(t *tx, r deliveryRow) error {
			if delivery.Kind(r.Kind) != delivery.Conversion {
				return errNotFound
			}
			return t.db.Exec("UPDATE deliveries SET state = ?, confirmed = ?, expires_at = NULL WHERE id = ?",
				string(delivery.Deciding), true, r.ID).Error
		})
}

// AbandonRun ends a run that is under way, and cancels those of its deliveries that are
// not stored yet.
func (s *Store) AbandonRun(ctx context.Context, who audit.Who, runID int64) error {
	run, err := s.conversionRun(ctx, runID)
	if err != nil {
		return err
	}
	for _, c := range run.Centres {
		if c.Delivery == nil || !slices.Contains(openStates, c.Delivery.State) {
			continue
		}
		err := s.write(ctx, func(t *tx) error {
			if err := t.end(c.Delivery.ID, openStates, delivery.Cancelled, ""); err != nil {
				return err
			}
			return t.record(audit.Event{
				Type: audit.DeliveryCancel, Action: audit.Update, Who: who, ObjectType: "delivery", ObjectID: c.Delivery.PublicID,
			})
		})
		if err != nil && !errors.Is(err, delivery.ErrLost) {
			return err
		}
	}
	return s.FinishRun(ctx, who, runID)
}
