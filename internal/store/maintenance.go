package store

import (
	"context"
	"time"

	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/maintenance"
)

type maintenanceRow struct {
	PublicID    string
	Subject     string
	FromAt      time.Time
	UntilAt     time.Time
	Note        string
	AnnouncedBy string
	AnnouncedAt time.Time
}

// Maintenance returns the announced windows that have not ended and were not cancelled,
// the first first.
func (s *Store) Maintenance(ctx context.Context) (maintenance.Plan, error) {
	var rows []maintenanceRow
	err := s.read(ctx).Table("maintenance").Where("until_at > ? AND cancelled_at IS NULL", s.clock()).
		Order("from_at, public_id").Scan(&rows).Error
	plan := make(maintenance.Plan, len(rows))
	for i, r := range rows {
		plan[i] = maintenance.Window{
			PublicID: r.PublicID, Of: maintenance.Of(r.Subject), From: r.FromAt.UTC(), Until: r.UntilAt.UTC(), Note: r.Note,
			By: r.AnnouncedBy, At: r.AnnouncedAt.UTC(),
		}
	}
	return plan, s.dialect.clean(err)
}

// AnnounceMaintenance stores a window, with its event, and returns its id.
func (s *Store) AnnounceMaintenance(ctx context.Context, who audit.Who, w maintenance.Window) (string, error) {
	if err := w.Check(s.clock()); err != nil {
		return "", err
	}
	id, err := publicID()
	if err != nil {
		return "", err
	}
	return id, s.write(ctx, func(t *tx) error {
		err := t.db.Exec(`INSERT INTO maintenance (public_id, subject, from_at, until_at, note, announced_by, announced_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`, id, string(w.Of), stamp(w.From), stamp(w.Until), w.Note, who.Name, t.at).Error
		if err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.MaintenanceAnnounced, Action: audit.Create, Who: who, ObjectType: "maintenance", ObjectID: id, Code: string(w.Of),
		})
	})
}

// CancelMaintenance ends a window at once, or before it begins, with its event. Deliveries
// that waited for its end are tried at once. It returns apperr.NotFound if there is no
// such window, or if it has ended.
func (s *Store) CancelMaintenance(ctx context.Context, who audit.Who, id string) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE maintenance SET cancelled_at = ? WHERE public_id = ? AND cancelled_at IS NULL AND until_at > ?", t.at, id, t.at)
		if err := one(res, errNotFound); err != nil {
			return err
		}
		if err := t.resume(); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.MaintenanceCancelled, Action: audit.Delete, Who: who, ObjectType: "maintenance", ObjectID: id,
		})
	})
}

// WaitForTTP puts off everything that waits for the TTP until a moment: the end of
// announced maintenance. Deliveries show it as their next try.
func (s *Store) WaitForTTP(ctx context.Context, until time.Time) error {
	until = stamp(until)
	waiting := []string{string(chunk.Identities), string(chunk.Temporaries)}
	return s.write(ctx, func(t *tx) error {
		const those = ` AND EXISTS (SELECT 1 FROM chunks k WHERE k.delivery_id = deliveries.id AND k.holds IN ?)`
		err := t.db.Exec("UPDATE deliveries SET paused = ?, denied = ?, next_try_at = ? WHERE state IN ? AND (next_try_at IS NULL OR next_try_at < ?)"+
			those, true, false, until, underExchange, until, waiting).Error
		if err != nil {
			return err
		}
		return t.db.Exec("UPDATE chunks SET next_try_at = ? WHERE holds IN ? AND next_try_at < ? AND lease_until <= ?",
			until, waiting, until, t.at).Error
	})
}

// resume lets everything that waits for the TTP be tried at once.
func (t *tx) resume() error {
	err := t.db.Exec("UPDATE deliveries SET paused = ?, denied = ?, next_try_at = NULL WHERE state IN ? AND paused = ?",
		false, false, underExchange, true).Error
	if err != nil {
		return err
	}
	return t.db.Exec("UPDATE chunks SET next_try_at = ? WHERE next_try_at > ? AND holds <> ?", t.at, t.at, string(chunk.Definitives)).Error
}

// ClaimShortDelivery is ClaimDelivery without uploads that will take long, because
// maintenance is announced. What was begun goes on.
func (s *Store) ClaimShortDelivery(ctx context.Context, now time.Time, lease time.Duration) (delivery.Claim, bool, error) {
	return s.claimDelivery(ctx, now, lease, shortOnly)
}
