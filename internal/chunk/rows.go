package chunk

import "sluis/internal/patient"

// TemporaryRows is the format of rows with temporary pseudonyms.
var TemporaryRows = Format[patient.TemporaryRow]{Temporaries, 320, packTemporaryRow, unpackTemporaryRow}

// DefinitiveRows is the format of rows with definitive pseudonyms.
var DefinitiveRows = Format[patient.Candidate]{Definitives, 240, packDefinitiveRow, unpackDefinitiveRow}

// Display packs a display set.
func (w *Writer) Display(d patient.Display) {
	w.String(d.Number)
	w.Int(d.Birth.Year)
	w.Int(d.Birth.Month)
	w.Int(d.Birth.Day)
	w.Word(string(d.Sex))
}

// Display reads a display set.
func (r *Reader) Display() patient.Display {
	return patient.Display{
		Number: r.String(),
		Birth:  patient.Birth{Year: r.Int(), Month: r.Int(), Day: r.Int()},
		Sex:    patient.Sex(r.Word()),
	}
}

// legacy packs what a row of the old table has besides the others; most rows come
// from elsewhere and have none.
func (w *Writer) legacy(l *patient.OldRow) {
	if l == nil {
		w.Int(0)
		return
	}
	w.Int(1)
	w.String(l.ID)
	w.Word(l.DiedOn)
	w.Int(l.Version)
}

func (r *Reader) legacy() *patient.OldRow {
	if r.Int() == 0 {
		return nil
	}
	return &patient.OldRow{ID: r.String(), DiedOn: r.Word(), Version: r.Int()}
}

func packTemporaryRow(w *Writer, row *patient.TemporaryRow) {
	w.String(row.Ref)
	w.Int(row.Line)
	w.Display(row.Display)
	w.legacy(row.OldRow)
	w.Int(len(row.Temporaries))
	for _, t := range row.Temporaries {
		w.Word(t.Type)
		w.String(t.Value)
		w.Time(t.ExpiresAt)
		w.Word(t.RecordedOn)
	}
}

func unpackTemporaryRow(r *Reader, row *patient.TemporaryRow) {
	row.Ref, row.Line, row.Display, row.OldRow = r.String(), r.Int(), r.Display(), r.legacy()
	row.Temporaries = make([]patient.Temporary, r.Count())
	for i := range row.Temporaries {
		row.Temporaries[i] = patient.Temporary{Type: r.Word(), Value: r.String(), ExpiresAt: r.Time(), RecordedOn: r.Word()}
	}
}

func packDefinitiveRow(w *Writer, c *patient.Candidate) {
	w.Int(c.Line)
	w.Display(c.Display)
	w.legacy(c.OldRow)
	w.Int(len(c.Pseudonyms))
	for _, p := range c.Pseudonyms {
		w.Word(p.Type)
		w.Word(p.Domain)
		w.Int(p.KeyVersion)
		w.String(p.Value)
		w.Word(p.RecordedOn)
		w.Word(p.ObservedOn)
	}
}

func unpackDefinitiveRow(r *Reader, c *patient.Candidate) {
	c.Line, c.Display, c.OldRow = r.Int(), r.Display(), r.legacy()
	c.Pseudonyms = make([]patient.Pseudonym, r.Count())
	for i := range c.Pseudonyms {
		c.Pseudonyms[i] = patient.Pseudonym{
			Type: r.Word(), Domain: r.Word(), KeyVersion: r.Int(), Value: r.String(), RecordedOn: r.Word(), ObservedOn: r.Word(),
		}
	}
}
