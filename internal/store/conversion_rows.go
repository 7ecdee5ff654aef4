package store

import (
	"context"

	"gorm.io/gorm"

	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/patient"
)

// Where returns what became of old rows in a run, by old key. Rows that the run has not
// read are left out.
func (s *Store) Where(ctx context.Context, runID int64, keys []string) (map[string]conversion.Where, error) {
	out := make(map[string]conversion.Where, len(keys))
	err := pieces(keys, s.dialect.maxIn(), func(part []string) error {
		var rows []struct {
			LegacyID   string
			Line       int
			Code       string
			DeliveryID *int64
			Outcome    string
			CentreID   int64
		}
		err := s.read(ctx).Table("existing_rows e").
			Select("e.legacy_id, e.line, e.code, e.delivery_id, COALESCE(w.outcome, '') AS outcome, COALESCE(d.centre_id, 0) AS centre_id").
			Joins("LEFT JOIN delivery_rows w ON w.delivery_id = e.delivery_id AND w.line = e.line").
			Joins("LEFT JOIN deliveries d ON d.id = e.delivery_id").
			Where("e.run_id = ? AND e.legacy_id ?", runID, s.dialect.oneOf(&part)).Scan(&rows).Error
		if err != nil {
			return err
		}
		for _, r := range rows {
			w := conversion.Where{OldKey: r.LegacyID, Line: r.Line, Outcome: patient.Outcome(r.Outcome), Code: r.Code, CentreID: r.CentreID}
			if r.DeliveryID == nil {
				w.Outcome = patient.Rejected
			}
			out[r.LegacyID] = w
		}
		var held []struct {
			Row      patientRow `gorm:"embedded"`
			LegacyID string
		}
		err = s.read(ctx).Table("legacy_keys k").Select("p.*, k.legacy_id").Joins("JOIN patients p ON p.id = k.patient_id").
			Where("k.legacy_id ?", s.dialect.oneOf(&part)).Scan(&held).Error
		for _, h := range held {
			w, there := out[h.LegacyID]
			if !there {
				continue
			}
			w.Patients++
			w.ChangedAt = h.Row.UpdatedAt.UTC()
			w.Patient = patient.Patient{
				ID: h.Row.ID, PublicID: h.Row.PublicID, CentreID: h.Row.CentreID, Display: h.Row.display(), DiedOn: h.Row.DiedOn,
				Version: h.Row.Version,
			}
			out[h.LegacyID] = w
		}
		return err
	})
	return out, s.dialect.clean(err)
}

// RunRows returns how many rows a run has read, strays included, and how many patients
// have an old key.
func (s *Store) RunRows(ctx context.Context, runID int64) (rows, patients int, err error) {
	var n, p int64
	err = s.read(ctx).Table("existing_rows").Where("run_id = ?", runID).Count(&n).Error
	if err == nil {
		err = s.read(ctx).Table("legacy_keys").Distinct("patient_id").Count(&p).Error
	}
	return int(n), int(p), s.dialect.clean(err)
}

// openRows selects the rows of a run that are no patient.
func openRows(db *gorm.DB, runID int64, q conversion.OpenQuery) *gorm.DB {
	db = db.Table("existing_rows e").Joins("LEFT JOIN delivery_rows w ON w.delivery_id = e.delivery_id AND w.line = e.line").
		Joins("LEFT JOIN deliveries d ON d.id = e.delivery_id").
		Joins("LEFT JOIN centres c ON c.id = d.centre_id").Where("e.run_id = ?", runID)
	// The rows of a rehearsal have no outcomes, so their verdicts count.
	const said = "CASE WHEN d.mode = 'check' THEN w.verdict ELSE w.outcome END"
	if q.Outcome == patient.Rejected {
		db = db.Where("(e.delivery_id IS NULL OR "+said+" = ?)", string(patient.Rejected))
	} else {
		db = db.Where(said+" = ?", string(q.Outcome))
	}
	if q.CentreNumber != "" {
		db = db.Where("c.number = ?", q.CentreNumber)
	}
	return db
}

// maxOpen is the largest number of open rows in a page.
const maxOpen = 1000

// OpenRows returns a page of the rows of a run that are no patient, each with the first
// finding that says why.
func (s *Store) OpenRows(ctx context.Context, runID int64, q conversion.OpenQuery) (conversion.OpenPage, error) {
	page, err := s.openPage(s.read(ctx), runID, q)
	return page, s.dialect.clean(err)
}

// ViewOpenRows is OpenRows with its event.
func (s *Store) ViewOpenRows(ctx context.Context, who audit.Who, run conversion.Run, q conversion.OpenQuery) (conversion.OpenPage, error) {
	var page conversion.OpenPage
	err := s.write(ctx, func(t *tx) error {
		var err error
		if page, err = s.openPage(t.db, run.ID, q); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.ConversionRowsListed, Action: audit.Read, Who: who, ObjectType: "existing_run", ObjectID: run.PublicID,
			Code: string(q.Outcome),
		})
	})
	return page, err
}

// openRow is an open row without its finding.
type openRow struct {
	LegacyID, Code, PatientNumber, CentreNumber string
	Line                                        int
	DeliveryID                                  int64 // 0 for a row of no known centre
}

// openPlace orders open rows: those of no known centre come first, then each centre's.
const openPlace = "COALESCE(e.delivery_id, 0)"

func (s *Store) openPage(db *gorm.DB, runID int64, q conversion.OpenQuery) (conversion.OpenPage, error) {
	var page conversion.OpenPage
	var total int64
	if err := openRows(db, runID, q).Count(&total).Error; err != nil {
		return page, err
	}
	page.Total = int(total)
	rows, more, err := readOpenRows(db, runID, q)
	if err != nil {
		return page, err
	}
	if more {
		page.Next = rows[len(rows)-1].LegacyID
	}
	reasons, err := s.reasons(db, rows, q.Outcome)
	if err != nil {
		return page, err
	}
	for _, r := range rows {
		o := conversion.Open{
			OldKey: r.LegacyID, CentreNumber: r.CentreNumber, PatientNumber: r.PatientNumber, Line: r.Line, Outcome: q.Outcome,
			Finding: reasons[deliveryLine{r.DeliveryID, r.Line}],
		}
		if r.DeliveryID == 0 {
			o.Finding = patient.Finding{Severity: patient.Fatal, Source: patient.Sluis, Code: r.Code, Field: "centre"}
		}
		page.Rows = append(page.Rows, o)
	}
	return page, nil
}

// readOpenRows returns the rows of one page. more reports whether others follow.
func readOpenRows(db *gorm.DB, runID int64, q conversion.OpenQuery) (rows []openRow, more bool, err error) {
	limit := q.Limit
	if limit <= 0 || limit > maxOpen {
		limit = maxOpen
	}
	find := openRows(db, runID, q).Select("e.legacy_id, e.line, e.code, COALESCE(e.delivery_id, 0) AS delivery_id, " +
		"COALESCE(w.patient_number, '') AS patient_number, COALESCE(c.number, '') AS centre_number")
	if q.After != "" {
		var last struct {
			DeliveryID int64
			Line       int
		}
		at := db.Table("existing_rows").
			Select("COALESCE(delivery_id, 0) AS delivery_id, line").
			Where("run_id = ? AND legacy_id = ?", runID, q.After)
		if err := first(at, &last); err != nil {
			return nil, false, err
		}
		find = find.Where("("+openPlace+" > ? OR ("+openPlace+" = ? AND (e.line > ? OR (e.line = ? AND e.legacy_id > ?))))",
			last.DeliveryID, last.DeliveryID, last.Line, last.Line, q.After)
	}
	if err := find.Order(openPlace + ", e.line, e.legacy_id").Limit(limit + 1).Scan(&rows).Error; err != nil {
		return nil, false, err
	}
	if len(rows) > limit {
		return rows[:limit], true, nil
	}
	return rows, false, nil
}

// deliveryLine is a row by its place in a delivery.
type deliveryLine struct {
	delivery int64
	line     int
}

// reasons returns the finding that says why a row is no patient: its first one. For a row
// in review, a finding of the decision goes before one of the TTP.
func (s *Store) reasons(db *gorm.DB, rows []openRow, outcome patient.Outcome) (map[deliveryLine]patient.Finding, error) {
	lines := map[int64][]int{}
	for _, r := range rows {
		if r.DeliveryID != 0 {
			lines[r.DeliveryID] = append(lines[r.DeliveryID], r.Line)
		}
	}
	out := map[deliveryLine]patient.Finding{}
	for id, list := range lines { // as many queries as there are centres on the page
		err := pieces(list, s.dialect.maxIn(), func(part []int) error {
			var found []findingRow
			err := db.Table("findings").Where("delivery_id = ? AND line ?", id, s.dialect.oneOf(&part)).
				Order("line, severity, seq").Find(&found).Error
			for _, f := range found {
				at := deliveryLine{id, f.Line}
				have, there := out[at]
				decided := f.Stage == "decide" && outcome == patient.Review
				if !there || decided && have.Source == patient.TTP {
					out[at] = f.finding()
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
