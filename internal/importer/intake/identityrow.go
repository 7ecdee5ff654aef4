package intake

import (
	"sluis/internal/chunk"
	"sluis/internal/identity"
	"sluis/internal/patient"
)

// identityRow is a row of an identity delivery as it is sealed.
type identityRow struct {
	Ref     string          `json:"r"`
	Line    int             `json:"l"`
	Display patient.Display `json:"d"`
	Person  identity.Fields `json:"p"`
}

// identityRows is the format of rows with identities. It is here and not in chunk,
// since that package must not know an identity.
var identityRows = chunk.Format[identityRow]{Content: chunk.Identities, RowBytes: 160, Pack: packIdentity, Unpack: unpackIdentity}

func packIdentity(w *chunk.Writer, row *identityRow) {
	w.String(row.Ref)
	w.Int(row.Line)
	w.Display(row.Display)
	p := &row.Person
	w.String(p.Surname)
	w.Word(p.Prefix)
	w.Word(p.Initials)
	w.String(p.BirthDate)
	w.Word(p.Sex)
	w.Int(len(p.Postcodes))
	for _, c := range p.Postcodes {
		w.String(c.Postcode)
		w.String(c.HouseNumber)
		w.String(c.Suffix)
		w.String(c.RecordedOn)
	}
}

func unpackIdentity(r *chunk.Reader, row *identityRow) {
	row.Ref, row.Line, row.Display = r.String(), r.Int(), r.Display()
	p := &row.Person
	p.Surname, p.Prefix, p.Initials, p.BirthDate, p.Sex = r.String(), r.Word(), r.Word(), r.String(), r.Word()
	if n := r.Count(); n > 0 {
		p.Postcodes = make([]identity.Postcode, n)
	}
	for i := range p.Postcodes {
		p.Postcodes[i] = identity.Postcode{Postcode: r.String(), HouseNumber: r.String(), Suffix: r.String(), RecordedOn: r.String()}
	}
}
