package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"strings"
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
	Version       int
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

func (patientRow) TableName() string { return "patients" }

func (r patientRow) display() patient.Display {
	b, _ := patient.ParseBirth(r.Birth) // we wrote it
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
}

func (r pseudonymRow) pseudonym() patient.Pseudonym {
	return patient.Pseudonym{Type: r.Type, Domain: r.Domain, KeyVersion: r.KeyVersion, Value: r.Value, ObservedOn: r.ObservedOn}
}

// valueHash is the narrow index key of a pseudonym. What it finds is compared
// whole, so it need not be free of collisions.
func valueHash(p patient.Pseudonym) int64 {
	sum := sha256.Sum256([]byte(p.Type + "|" + p.Domain + "|" + strconv.Itoa(p.KeyVersion) + "|" + p.Value))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// finder answers patient.Reader's questions, inside or outside a transaction.
type finder struct {
	db   *gorm.DB
	d    dialect
	lock bool // keep other writers off what is found, until the transaction ends
}

func (f finder) patients() *gorm.DB {
	if f.lock {
		return f.d.forUpdate(f.db, "patients")
	}
	return f.db.Table("patients")
}

func (f finder) byNumber(centreID int64, numbers []string) (map[string]patient.Patient, error) {
	out := make(map[string]patient.Patient, len(numbers))
	byID := map[int64]string{}
	ids := make([]int64, 0, len(numbers))
	err := pieces(numbers, f.d.maxIn(), func(part []string) error {
		var rows []patientRow
		if err := f.patients().Where("centre_id = ? AND patient_number IN ?", centreID, part).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if _, seen := byID[r.ID]; seen {
				continue
			}
			byID[r.ID] = r.PatientNumber
			ids = append(ids, r.ID)
			out[r.PatientNumber] = patient.Patient{
				ID: r.ID, PublicID: r.PublicID, CentreID: r.CentreID, Display: r.display(), Version: r.Version,
				CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = pieces(ids, f.d.maxIn(), func(part []int64) error {
		var rows []pseudonymRow
		if err := f.db.Table("pseudonyms").Where("patient_id IN ?", part).Order("patient_id, type, domain, key_version, value_hash").Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			p := out[byID[r.PatientID]]
			p.Pseudonyms = append(p.Pseudonyms, r.pseudonym())
			out[byID[r.PatientID]] = p
		}
		return nil
	})
	return out, err
}

func (f finder) owners(centreID int64, pseudonyms []patient.Pseudonym) (map[patient.Pseudonym][]patient.Owner, error) {
	hashes := make([]int64, len(pseudonyms))
	for i, p := range pseudonyms {
		hashes[i] = valueHash(p)
	}
	out := map[patient.Pseudonym][]patient.Owner{}
	err := pieces(hashes, f.d.maxIn(), func(part []int64) error {
		var rows []struct {
			Row           pseudonymRow `gorm:"embedded"`
			PatientNumber string
			CentreID      int64
		}
		// The centre is compared here: as a condition it tempts a planner without
		// statistics to begin with all patients of the centre.
		err := f.db.Table("pseudonyms s").Select("s.*, p.patient_number, p.centre_id").Joins("JOIN patients p ON p.id = s.patient_id").
			Where("s.value_hash IN ?", part).Scan(&rows).Error
		for _, r := range rows {
			if r.CentreID != centreID {
				continue
			}
			k := r.Row.pseudonym()
			k.ObservedOn = ""
			out[k] = append(out[k], patient.Owner{PatientID: r.Row.PatientID, Number: r.PatientNumber})
		}
		return err
	})
	return out, err
}

// PatientsByNumber implements patient.Reader.
func (s *Store) PatientsByNumber(ctx context.Context, centreID int64, numbers []string) (map[string]patient.Patient, error) {
	out, err := finder{db: s.read(ctx), d: s.dialect}.byNumber(centreID, numbers)
	return out, s.dialect.clean(err)
}

// OwnersOf implements patient.Reader.
func (s *Store) OwnersOf(ctx context.Context, centreID int64, p []patient.Pseudonym) (map[patient.Pseudonym][]patient.Owner, error) {
	out, err := finder{db: s.read(ctx), d: s.dialect}.owners(centreID, p)
	return out, s.dialect.clean(err)
}

// patientTx is patient.Tx on a transaction of ours.
type patientTx struct {
	t          *tx
	deliveryID *int64
	subjects   []audit.Subject // what the event will name
}

// PatientsByNumber takes the centre's row first: two transactions that judge
// rows of one centre go one after the other, so that neither misses the person
// whom the other is about to store.
func (p *patientTx) PatientsByNumber(_ context.Context, centreID int64, numbers []string) (map[string]patient.Patient, error) {
	var centre centreRow
	if err := first(p.t.dialect.forUpdate(p.t.db, "centres").Where("id = ?", centreID), &centre); err != nil {
		return nil, err
	}
	return finder{p.t.db, p.t.dialect, true}.byNumber(centreID, numbers)
}

func (p *patientTx) OwnersOf(_ context.Context, centreID int64, list []patient.Pseudonym) (map[patient.Pseudonym][]patient.Owner, error) {
	return finder{db: p.t.db, d: p.t.dialect}.owners(centreID, list)
}

func (p *patientTx) InsertPatients(ctx context.Context, patients []patient.Patient) error {
	id, err := p.t.next("patients", len(patients))
	if err != nil {
		return err
	}
	var pseudonyms []pseudonymRow
	for i := range patients {
		patients[i].ID = id + int64(i)
		if patients[i].PublicID, err = publicID(); err != nil {
			return err
		}
		pseudonyms = append(pseudonyms, pseudonymRows(patients[i].ID, patients[i].Pseudonyms)...)
		p.subjects = append(p.subjects, audit.Subject{PatientID: patients[i].ID, Action: audit.Create})
	}
	columns := []string{"id", "public_id", "centre_id", "patient_number", "birth", "sex", "version", "created_at", "updated_at"}
	err = p.t.dialect.insert(ctx, p.t.raw, "patients", columns, len(patients), func(i int) []any {
		x := patients[i]
		return []any{x.ID, x.PublicID, x.CentreID, x.Number, x.Birth.String(), string(x.Sex), x.Version, x.CreatedAt, x.UpdatedAt}
	})
	if err != nil {
		return err
	}
	return p.insertPseudonyms(ctx, pseudonyms)
}

func pseudonymRows(patientID int64, list []patient.Pseudonym) []pseudonymRow {
	rows := make([]pseudonymRow, len(list))
	for i, q := range list {
		rows[i] = pseudonymRow{patientID, q.Type, q.Domain, q.KeyVersion, valueHash(q), q.Value, q.ObservedOn}
	}
	return rows
}

func (p *patientTx) insertPseudonyms(ctx context.Context, rows []pseudonymRow) error {
	if len(rows) == 0 {
		return nil
	}
	columns := []string{"patient_id", "type", "domain", "key_version", "value_hash", "value", "observed_on"}
	return p.t.dialect.insert(ctx, p.t.raw, "pseudonyms", columns, len(rows), func(i int) []any {
		r := rows[i]
		return []any{r.PatientID, r.Type, r.Domain, r.KeyVersion, r.ValueHash, r.Value, r.ObservedOn}
	})
}

func (p *patientTx) UpdatePatients(ctx context.Context, changes []patient.Change) error {
	var fresh []pseudonymRow
	for _, c := range changes {
		fresh = append(fresh, pseudonymRows(c.Patient.ID, c.Added)...)
		fresh = append(fresh, pseudonymRows(c.Patient.ID, c.Replaced)...)
		for _, q := range c.Replaced {
			err := p.t.db.Exec("DELETE FROM pseudonyms WHERE patient_id = ? AND type = ? AND domain = ? AND key_version = ?",
				c.Patient.ID, q.Type, q.Domain, q.KeyVersion).Error
			if err != nil {
				return err
			}
		}
		p.subjects = append(p.subjects, audit.Subject{PatientID: c.Patient.ID, Action: audit.Update})
	}
	err := p.t.dialect.update(ctx, p.t.raw, "patients", []string{"birth", "sex", "version", "updated_at"}, []string{"id"}, len(changes),
		func(i int) []any {
			x := changes[i].Patient
			return []any{x.Birth.String(), string(x.Sex), x.Version, x.UpdatedAt, x.ID}
		})
	if err != nil {
		return err
	}
	return p.insertPseudonyms(ctx, fresh)
}

type reviewRow struct {
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
}

func (reviewRow) TableName() string { return "reviews" }

func (p *patientTx) OpenReviews(_ context.Context, reviews []patient.ReviewItem) error {
	for _, r := range reviews {
		pseudonyms, err := json.Marshal(r.Candidate.Pseudonyms)
		if err != nil {
			return err
		}
		row := reviewRow{
			CentreID: r.CentreID, DeliveryID: p.deliveryID, Line: r.Candidate.Line, PatientNumber: r.Candidate.Display.Number,
			Birth: r.Candidate.Display.Birth.String(), Sex: string(r.Candidate.Display.Sex), Pseudonyms: string(pseudonyms),
			ContentHash: contentHash(r.Candidate), Reason: string(r.Verdict.Reason), Partners: joinInts(r.Verdict.Partners),
			State: "open", CreatedAt: stamp(r.At),
		}
		if r.Verdict.PatientID != 0 {
			row.PatientID = &r.Verdict.PatientID
		}
		var same int64
		err = p.t.db.Model(&reviewRow{}).Where("centre_id = ? AND patient_number = ? AND state = ? AND content_hash = ? AND reason = ?",
			row.CentreID, row.PatientNumber, row.State, row.ContentHash, row.Reason).Count(&same).Error
		if err != nil {
			return err
		}
		if same > 0 {
			continue
		}
		if row.ID, err = p.t.next("reviews", 1); err != nil {
			return err
		}
		if row.PublicID, err = publicID(); err != nil {
			return err
		}
		if err := p.t.db.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}

// contentHash tells whether two rows say the same.
func contentHash(c patient.Candidate) int64 {
	var sum int64
	for _, p := range c.Pseudonyms {
		sum ^= valueHash(p)
	}
	h := sha256.Sum256([]byte(c.Display.Birth.String() + "|" + string(c.Display.Sex)))
	return sum ^ int64(binary.BigEndian.Uint64(h[:8]))
}

func joinInts(list []int) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ",")
}

func splitInts(s string) []int {
	var out []int
	for _, p := range strings.Split(s, ",") {
		if n, err := strconv.Atoi(p); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// Enter runs register for a single entry, with its event.
func (s *Store) Enter(ctx context.Context, who audit.Who, register func(tx patient.Tx) (patient.Verdict, error)) (string, error) {
	var id string
	err := s.write(ctx, func(t *tx) error {
		id = ""
		ptx := &patientTx{t: t}
		v, err := register(ptx)
		if err != nil {
			return err
		}
		if v.PatientID != 0 && v.Outcome != patient.Review {
			var row patientRow
			if err := first(t.db.Where("id = ?", v.PatientID), &row); err != nil {
				return err
			}
			id = row.PublicID
		}
		ev := audit.Event{
			Type: audit.PatientEntered, Action: audit.Create, Who: who, ObjectType: "patient", ObjectID: id,
			Code: string(v.Outcome), Subjects: ptx.subjects,
		}
		switch v.Outcome {
		case patient.Updated:
			ev.Action = audit.Update
		case patient.Unchanged:
			ev.Action = audit.Read
			ev.Subjects = []audit.Subject{{PatientID: v.PatientID, Action: audit.Read}}
		}
		return t.record(ev)
	})
	return id, err
}

// scoped limits a query to what the actor may see; column is the centre's id.
func scoped(db *gorm.DB, scope account.Scope, column string) *gorm.DB {
	if scope.All() {
		return db
	}
	return db.Where(column+" = ?", scope.CentreID())
}

// maxPage is the longest page of patients or deliveries.
const maxPage = 200

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

// Patients gives a page of patients with its event, which names each of them.
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
			db = db.Where("(p.centre_id > ? OR (p.centre_id = ? AND p.patient_number > ?))", last.CentreID, last.CentreID, last.PatientNumber)
		}
		var rows []listedRow
		if err := db.Order("p.centre_id, p.patient_number").Limit(limit + 1).Scan(&rows).Error; err != nil {
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

// Patient gives one patient with its event. Another centre's is not found.
func (s *Store) Patient(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (patient.Detail, error) {
	var out patient.Detail
	err := s.write(ctx, func(t *tx) error {
		out = patient.Detail{}
		var r listedRow
		db := scoped(t.db.Table("patients p").Select("p.*, c.number AS centre_number").Joins("JOIN centres c ON c.id = p.centre_id"), scope, "p.centre_id")
		if err := first(db.Where("p.public_id = ?", publicID).Order("p.id"), &r); err != nil {
			return err
		}
		out.Listed = r.listed()
		out.CreatedAt = r.Row.CreatedAt.UTC().Format(time.RFC3339)
		var rows []pseudonymRow
		if err := t.db.Table("pseudonyms").Where("patient_id = ?", r.Row.ID).Order("type, domain, key_version").Find(&rows).Error; err != nil {
			return err
		}
		for _, p := range rows {
			out.Pseudonyms = append(out.Pseudonyms, patient.Presence{Type: p.Type, Domain: p.Domain, KeyVersion: p.KeyVersion, ObservedOn: p.ObservedOn})
		}
		return t.record(audit.Event{
			Type: audit.PatientViewed, Action: audit.Read, Who: who, ObjectType: "patient", ObjectID: publicID,
			Subjects: []audit.Subject{{PatientID: r.Row.ID, Action: audit.Read}},
		})
	})
	return out, err
}

// OpenReviews counts the rows that wait for a data manager.
func (s *Store) OpenReviews(ctx context.Context, scope account.Scope) (int, error) {
	var n int64
	err := scoped(s.read(ctx).Model(&reviewRow{}), scope, "centre_id").Where("state = ?", "open").Count(&n).Error
	return int(n), s.dialect.clean(err)
}
