package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
)

type patientRow struct {
	ID            int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID      string
	CentreID      int64
	PatientNumber string
	Birth         string
	Sex           string
	DiedOn        string
	Unnumbered    int64
	Version       int
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

func (patientRow) TableName() string { return "patients" }

func (r patientRow) display() patient.Display {
	b, _ := patient.ParseBirth(r.Birth) // Sluis wrote it, so it is readable
	return patient.Display{Number: r.PatientNumber, Birth: b, Sex: patient.Sex(r.Sex)}
}

type pseudonymRow struct {
	PatientID  int64
	Type       string
	Domain     string
	KeyVersion int
	ValueHash  int64
	Value      string
	ObservedOn string
	RecordedOn string
}

func (r pseudonymRow) pseudonym() patient.Pseudonym {
	return patient.Pseudonym{Type: r.Type, Domain: r.Domain, KeyVersion: r.KeyVersion, Value: r.Value, RecordedOn: r.RecordedOn,
		ObservedOn: r.ObservedOn}
}

// scoped limits a query to the centres that an actor may see. column has the centre's id.
func scoped(db *gorm.DB, scope account.Scope, column string) *gorm.DB {
	if scope.All() {
		return db
	}
	return db.Where(column+" = ?", scope.CentreID())
}

// maxPage is the largest number of patients, deliveries or conflicts in a page.
const maxPage = 500

func limitOf(n int) int {
	if n <= 0 {
		return 25
	}
	return min(n, maxPage)
}

type listedRow struct {
	Row          patientRow `gorm:"embedded"`
	CentreNumber string
}

func (r listedRow) listed() patient.Listed {
	return patient.Listed{
		PublicID: r.Row.PublicID, CentreNumber: r.CentreNumber, Display: r.Row.display(), Version: r.Row.Version,
		UpdatedAt: r.Row.UpdatedAt.UTC().Format(time.RFC3339),
	}
}

// Patients returns a page of patients. Its event names each of them.
func (s *Store) Patients(ctx context.Context, who audit.Who, scope account.Scope, q patient.Query) (patient.Page, error) {
	var page patient.Page
	err := s.write(ctx, func(t *tx) error {
		page = patient.Page{}
		limit := limitOf(q.Limit)
		match := func() *gorm.DB {
			db := scoped(t.db.Table("patients p").Joins("JOIN centres c ON c.id = p.centre_id"), scope, "p.centre_id")
			if q.CentreNumber != "" {
				db = db.Where("c.number = ?", q.CentreNumber)
			}
			if q.Number != "" {
				db = db.Where("p.patient_number = ?", q.Number)
			}
			return db
		}
		var total int64
		if err := match().Count(&total).Error; err != nil {
			return err
		}
		page.Total = int(total)
		db := match().Select("p.*, c.number AS centre_number")
		if q.After != "" {
			var last patientRow
			if err := first(scoped(t.db, scope, "centre_id").Where("public_id = ?", q.After), &last); err != nil {
				return err
			}
			const following = "(p.centre_id > ? OR (p.centre_id = ? AND " +
				"(p.patient_number > ? OR (p.patient_number = ? AND p.unnumbered > ?))))"
			db = db.Where(following, last.CentreID, last.CentreID, last.PatientNumber, last.PatientNumber, last.Unnumbered)
		}
		var rows []listedRow
		if err := db.Order("p.centre_id, p.patient_number, p.unnumbered").Limit(limit + 1).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			page.Next = rows[limit-1].Row.PublicID
		}
		ev := audit.Event{Type: audit.PatientsListed, Action: audit.Read, Who: who, ObjectType: "patients"}
		if q.Number != "" {
			ev.Type = audit.PatientsSearched
		}
		for _, r := range rows {
			page.Patients = append(page.Patients, r.listed())
			ev.Subjects = append(ev.Subjects, audit.Subject{PatientID: r.Row.ID, Action: audit.Read})
		}
		return t.record(ev)
	})
	return page, err
}

// Patient returns one patient, with its event. A patient of another centre is not found.
func (s *Store) Patient(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (patient.Detail, error) {
	var out patient.Detail
	err := s.write(ctx, func(t *tx) error {
		out = patient.Detail{}
		rows, err := t.detailRows(scope, publicID)
		if err != nil {
			return err
		}
		r := rows[0]
		out.Listed = listedRow{r.Row, r.CentreNumber}.listed()
		out.CreatedAt = r.Row.CreatedAt.UTC().Format(time.RFC3339)
		// The pseudonyms come once for each old key, in the same order.
		for _, x := range rows {
			if x.LegacyID != nil && !slices.Contains(out.OldKeys, *x.LegacyID) {
				out.OldKeys = append(out.OldKeys, *x.LegacyID)
			}
			if x.Type != nil && len(out.OldKeys) <= 1 {
				out.Pseudonyms = append(out.Pseudonyms, patient.Presence{Type: *x.Type, Domain: *x.Domain, KeyVersion: *x.KeyVersion,
					ObservedOn: *x.ObservedOn})
			}
		}
		return t.record(audit.Event{
			Type: audit.PatientViewed, Action: audit.Read, Who: who, ObjectType: "patient", ObjectID: publicID,
			Subjects: []audit.Subject{{PatientID: r.Row.ID, Action: audit.Read}},
		})
	})
	return out, err
}

// detailRow is a patient with one of its pseudonyms and one of its old keys, if it has any.
type detailRow struct {
	Row          patientRow `gorm:"embedded"`
	CentreNumber string
	Type, Domain *string
	KeyVersion   *int
	ObservedOn   *string
	LegacyID     *string
}

// detailRows returns a patient with its pseudonyms and old keys, in one question: by old
// key, and for each by pseudonym.
func (t *tx) detailRows(scope account.Scope, publicID string) ([]detailRow, error) {
	var rows []detailRow
	err := scoped(t.db.Table("patients p"), scope, "p.centre_id").
		Select("p.*, c.number AS centre_number, s.type, s.domain, s.key_version, s.observed_on, k.legacy_id").
		Joins("JOIN centres c ON c.id = p.centre_id").
		Joins("LEFT JOIN pseudonyms s ON s.patient_id = p.id").
		Joins("LEFT JOIN legacy_keys k ON k.patient_id = p.id").
		Where("p.public_id = ?", publicID).
		Order("k.legacy_id, s.type, s.domain, s.key_version, s.recorded_on").Scan(&rows).Error
	if err == nil && len(rows) == 0 {
		err = errNotFound
	}
	return rows, err
}
