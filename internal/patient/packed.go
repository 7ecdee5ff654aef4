package patient

import "sluis/internal/packed"

// Pack writes a display set.
func (d Display) Pack(w *packed.Writer) {
	w.String(d.Number)
	w.Int(d.Birth.Year)
	w.Int(d.Birth.Month)
	w.Int(d.Birth.Day)
	w.Word(string(d.Sex))
}

// UnpackDisplay reads what Pack wrote.
func UnpackDisplay(r *packed.Reader) Display {
	return Display{Number: r.String(), Birth: Birth{r.Int(), r.Int(), r.Int()}, Sex: Sex(r.Word())}
}

// packLegacy writes what a row of the old table brings; most rows bring nothing.
func packLegacy(w *packed.Writer, l *Legacy) {
	if l == nil {
		w.Int(0)
		return
	}
	w.Int(1)
	w.String(l.ID)
	w.Word(l.DiedOn)
	w.Int(l.Version)
}

func unpackLegacy(r *packed.Reader) *Legacy {
	if r.Int() == 0 {
		return nil
	}
	return &Legacy{ID: r.String(), DiedOn: r.Word(), Version: r.Int()}
}

// PackExchange writes rows on their way to definitive pseudonyms.
func PackExchange(rows []InExchange) []byte {
	return packed.Rows(rows, 320, func(w *packed.Writer, row *InExchange) {
		w.String(row.Ref)
		w.Int(row.Line)
		row.Display.Pack(w)
		packLegacy(w, row.Legacy)
		w.Int(len(row.Temporaries))
		for _, t := range row.Temporaries {
			w.Word(t.Type)
			w.String(t.Value)
			w.Time(t.ExpiresAt)
			w.Word(t.RecordedOn)
		}
	})
}

// UnpackExchange reads what PackExchange wrote.
func UnpackExchange(b []byte) ([]InExchange, error) {
	return packed.ReadRows(b, func(r *packed.Reader, row *InExchange) {
		row.Ref, row.Line, row.Display, row.Legacy = r.String(), r.Int(), UnpackDisplay(r), unpackLegacy(r)
		row.Temporaries = make([]Temporary, r.Count())
		for i := range row.Temporaries {
			row.Temporaries[i] = Temporary{Type: r.Word(), Value: r.String(), ExpiresAt: r.Time(), RecordedOn: r.Word()}
		}
	})
}

// PackCandidates writes rows with their answers.
func PackCandidates(set []Candidate) []byte {
	return packed.Rows(set, 240, func(w *packed.Writer, c *Candidate) {
		w.Int(c.Line)
		c.Display.Pack(w)
		packLegacy(w, c.Legacy)
		w.Int(len(c.Pseudonyms))
		for _, p := range c.Pseudonyms {
			w.Word(p.Type)
			w.Word(p.Domain)
			w.Int(p.KeyVersion)
			w.String(p.Value)
			w.Word(p.RecordedOn)
			w.Word(p.ObservedOn)
		}
	})
}

// UnpackCandidates reads what PackCandidates wrote.
func UnpackCandidates(b []byte) ([]Candidate, error) {
	return packed.ReadRows(b, func(r *packed.Reader, c *Candidate) {
		c.Line, c.Display, c.Legacy = r.Int(), UnpackDisplay(r), unpackLegacy(r)
		c.Pseudonyms = make([]Pseudonym, r.Count())
		for i := range c.Pseudonyms {
			c.Pseudonyms[i] = Pseudonym{
				Type: r.Word(), Domain: r.Word(), KeyVersion: r.Int(), Value: r.String(), RecordedOn: r.Word(), ObservedOn: r.Word(),
			}
		}
	})
}
