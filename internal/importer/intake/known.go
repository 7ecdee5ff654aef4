package intake

import (
	"context"
	"slices"
	"strconv"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
)

// Known checks and exchanges rows whose columns need not be found: those of the old
// table. They get the same checks as the rows of a file, and their identities are
// only in memory.
type Known struct {
	in *Intake
	k  checker
}

// knownFields are the cells of a known row, in their order. Version follows.
var knownFields = []delivery.Field{
	delivery.FieldPatientNumber, delivery.FieldBirthDate, delivery.FieldSex, fieldDied, columns.FieldSurname, columns.FieldPrefix,
	columns.FieldInitials,
}

// fieldDied is the date of death; only the old table has one.
const fieldDied delivery.Field = "diedOn"

// KnownRow is a row after Sluis's own checks.
type KnownRow struct {
	Line     int
	Display  patient.Display // without a number if the row has none
	OldRow   patient.OldRow
	Findings []patient.Finding
	ref      string // at the TTP, the same on a retry
	identity identity.Identity
}

// Rejected reports whether Sluis rejects the row itself.
func (r KnownRow) Rejected() bool { return checked{findings: r.Findings}.rejected() }

// Known returns the checker of a centre's rows in the old table.
func (in *Intake) Known(centre account.Centre) Known {
	return Known{in, checker{
		Layout: columns.Fixed(knownFields), centre: centre, linkType: in.types.Link, yearOnly: in.yearOnly, today: in.now(),
	}}
}

// Check checks one row: its key in the old table, the version there, and its
// patient number, birth date, sex, date of death, surname, prefix and initials.
// A row without a number is kept without one.
func (k Known) Check(line int, key, version string, cells ...string) KnownRow {
	c := k.k.row(tabular.Row{Line: line, Cells: cells})
	out := KnownRow{Line: line, Display: c.display, OldRow: patient.OldRow{ID: key}, identity: c.identity, ref: newRef()}
	if k.k.Cell(cells, delivery.FieldPatientNumber) == "" {
		c.findings = slices.DeleteFunc(c.findings, func(f patient.Finding) bool { return f.Code == "PATIENT_NUMBER_EMPTY" })
	}
	if cell := k.k.Cell(cells, fieldDied); cell != "" {
		iso, ok := k.k.dates.Read(cell)
		died, real := patient.ParseBirth(iso)
		if ok && real {
			out.OldRow.DiedOn = k.k.keep(died).String()
		} else {
			c.warn("DIED_UNREADABLE", fieldDied)
		}
	}
	if n, err := strconv.Atoi(version); err == nil && n > 0 && n < 1<<31 {
		out.OldRow.Version = n
	}
	out.Findings = c.findings
	return out
}

// Prepare exchanges the identities of rows that Sluis does not reject for
// temporary pseudonyms, in one call that may be repeated under its key. It returns
// the rows that go on, and the TTP's findings about the others. If the TTP does not
// answer, the error is a *patient.UnavailableError.
func (k Known) Prepare(ctx context.Context, callKey string, rows []KnownRow) ([]patient.TemporaryRow, []delivery.Finding, error) {
	var items []identity.Item
	for _, r := range rows {
		if !r.Rejected() {
			items = append(items, identity.Item{Ref: r.ref, Identity: r.identity})
		}
	}
	if len(items) == 0 {
		return nil, nil, nil
	}
	answers, err := k.in.preparer.Prepare(ctx, callKey, items)
	if err != nil {
		return nil, nil, err
	}
	exchange := make([]patient.TemporaryRow, 0, len(items))
	var findings []delivery.Finding
	for _, r := range rows {
		a, asked := answers[r.ref]
		if !asked {
			continue
		}
		found := k.in.complete(a, r.identity.Parts())
		findings = delivery.AppendFindings(findings, delivery.StagePrepare, r.Line, r.Display.Number, found)
		if !patient.AnyFatal(found) {
			old := r.OldRow
			exchange = append(exchange,
				patient.TemporaryRow{Ref: r.ref, Line: r.Line, Display: r.Display, Temporaries: a.Temporaries, OldRow: &old})
		}
	}
	return exchange, findings, nil
}
