package store

import (
	"context"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

type findingRow struct {
	DeliveryID    int64
	Line          int
	Seq           int
	PatientNumber string
	Stage         string
	Severity      string
	Source        string
	Code          string
	Field         string
	Message       string
	Partners      string
}

func (r findingRow) finding() patient.Finding {
	return patient.Finding{
		Severity: patient.Severity(r.Severity), Source: patient.Source(r.Source), Code: r.Code, Field: r.Field, Message: r.Message,
	}
}

// cursorBase packs a line and a sequence number into one cursor. A line has fewer than
// this many findings.
const cursorBase = 1000

// waiting are the codes of conflicts that wait for a data manager.
var waiting = func() []string {
	out := make([]string, len(patient.Reasons))
	for i, r := range patient.Reasons {
		out[i] = string(r)
	}
	return out
}()

// sortColumns are the columns by which findings can be sorted.
var sortColumns = map[delivery.FindingSort]string{
	delivery.ByNumber: "patient_number", delivery.ByField: "field", delivery.ByCode: "code", delivery.BySeverity: "severity",
	delivery.BySource: "source",
}

// orderOf returns the order of a query. Rows that are equal in it are in the order of the
// file.
func orderOf(q delivery.FindingQuery) string {
	column, known := sortColumns[q.Sort]
	switch {
	case !known && q.Desc:
		return "line DESC, seq DESC"
	case !known:
		return "line, seq"
	case q.Desc:
		return column + " DESC, line, seq"
	}
	return column + ", line, seq"
}

// Findings returns a page of findings, in the order that q asks for.
func (s *Store) Findings(ctx context.Context, d delivery.Delivery, q delivery.FindingQuery) (delivery.FindingPage, error) {
	limit := q.Limit
	if limit <= 0 || limit > 5000 {
		limit = 5000
	}
	match := func() *gorm.DB { return s.findingsMatching(ctx, d.ID, q) }
	var page delivery.FindingPage
	if !d.ReportExpiredAt.IsZero() {
		return page, apperr.New(apperr.Gone, "report_expired")
	}
	var total int64
	if err := match().Count(&total).Error; err != nil {
		return page, s.dialect.clean(err)
	}
	page.Total = int(total)
	db := match()
	if q.After > 0 {
		line, seq := q.After/cursorBase, q.After%cursorBase
		db = db.Where("(line > ? OR (line = ? AND seq > ?))", line, line, seq)
	}
	var rows []findingRow
	if q.Offset > 0 {
		db = db.Offset(q.Offset)
	}
	if err := db.Order(orderOf(q)).Limit(limit + 1).Find(&rows).Error; err != nil {
		return page, s.dialect.clean(err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = int64(last.Line)*cursorBase + int64(last.Seq)
	}
	for _, r := range rows {
		page.Findings = append(page.Findings, delivery.Finding{
			Finding: r.finding(), Line: r.Line, PatientNumber: r.PatientNumber, Stage: delivery.Stage(r.Stage),
			Partners: splitInts(r.Partners),
		})
	}
	return page, nil
}

// findingsMatching selects the findings of a delivery that q asks for, on all pages.
func (s *Store) findingsMatching(ctx context.Context, deliveryID int64, q delivery.FindingQuery) *gorm.DB {
	db := s.read(ctx).Table("findings").Where("delivery_id = ?", deliveryID)
	if q.Severity != "" {
		db = db.Where("severity = ?", string(q.Severity))
	}
	if q.Code != "" {
		db = db.Where("code = ?", q.Code)
	}
	if q.Field != "" {
		db = db.Where("field = ?", q.Field)
	}
	if q.Source != "" {
		db = db.Where("source = ?", string(q.Source))
	}
	if q.Review != nil {
		const waits = "(source = ? AND code IN ?)"
		if *q.Review {
			db = db.Where(waits, string(patient.Sluis), waiting)
		} else {
			db = db.Where("NOT "+waits, string(patient.Sluis), waiting)
		}
	}
	return db
}

// maxCauses is the largest number of causes in a report. A TTP has far fewer messages.
const maxCauses = 200

// causeColumns are the columns in which findings of one cause are equal.
const causeColumns = "severity, source, code, field, message"

// Causes groups a delivery's findings by cause: rejections before warnings, and the most
// frequent first. It takes two queries, however many findings there are.
func (s *Store) Causes(ctx context.Context, d delivery.Delivery) ([]delivery.Cause, error) {
	if !d.ReportExpiredAt.IsZero() {
		return s.expiredCauses(ctx, d)
	}
	groups, err := s.causes(s.read(ctx), d.ID)
	if err != nil {
		return nil, s.dialect.clean(err)
	}
	out := make([]delivery.Cause, len(groups))
	at := make(map[patient.Finding]int, len(groups))
	for i, g := range groups {
		out[i] = g.cause()
		at[out[i].Finding] = i
	}
	var rows []findingRow
	err = s.read(ctx).
		Raw("SELECT "+causeColumns+", line FROM (SELECT "+causeColumns+", line, ROW_NUMBER() OVER (PARTITION BY "+causeColumns+
			" ORDER BY line) AS rn FROM findings WHERE delivery_id = ?) f WHERE rn <= ? ORDER BY line", d.ID, delivery.MaxCauseLines).
		Scan(&rows).
		Error
	for _, r := range rows {
		if i, ok := at[r.finding()]; ok {
			out[i].Lines = append(out[i].Lines, r.Line)
		}
	}
	return out, s.dialect.clean(err)
}

// RecordReport records in the access log that a report was read or downloaded.
func (s *Store) RecordReport(ctx context.Context, who audit.Who, d delivery.Delivery, format string) error {
	if d.ProcessorID != 0 && who.Role == string(account.ProcessorStaff) {
		who = onBehalf(who, d.CentreID)
	}
	return s.Record(ctx, audit.Event{Type: audit.ReportViewed, Action: audit.Read, Who: who, ObjectType: "delivery", ObjectID: d.PublicID,
		Code: format})
}

// RowOutcomes returns the outcomes of a delivery's rows, by line.
func (s *Store) RowOutcomes(ctx context.Context, d delivery.Delivery) (map[int]patient.Outcome, error) {
	if !d.ReportExpiredAt.IsZero() {
		return nil, apperr.New(apperr.Gone, "report_expired")
	}
	var rows []struct {
		Line    int
		Outcome string
	}
	err := s.read(ctx).Table("delivery_rows").Select("line, outcome").Where("delivery_id = ?", d.ID).Find(&rows).Error
	if err != nil {
		return nil, s.dialect.clean(err)
	}
	out := make(map[int]patient.Outcome, len(rows))
	for _, r := range rows {
		out[r.Line] = patient.Outcome(r.Outcome)
	}
	return out, nil
}
