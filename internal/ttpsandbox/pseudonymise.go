package ttpsandbox

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Order says as which client, for which domain and to which types a file is
// pseudonymised.
type Order struct {
	ClientID string   // a care provider; empty: the first client that may make temporary pseudonyms
	Domain   string   // empty: the first domain
	Types    []string // empty: NGGV and NGG
	Provider string   // the care provider to which they are bound; empty: that of the client
}

// batch is the number of rows that are pseudonymised at once: less than in one call.
const batch = 500

// Pseudonymise plays the hospital's side of the web technique. It reads a CSV with
// identities from in. It writes the same rows to out, with temporary pseudonyms in
// place of the names. Of each row that the TTP refused it writes the line number,
// the patient number and the TTP's message to rejected. It reads and writes as a
// stream, and returns the number of rows in out and in rejected.
//
// The two outputs have the delimiter of the input, and a byte order mark if it had
// one. An unknown column is left out: it might hold a name. An error names a line
// and never a value.
func (s *Sandbox) Pseudonymise(ctx context.Context, in io.Reader, out, rejected io.Writer, order Order) (rows, refused int, err error) {
	m, types, err := s.fulfil(order)
	if err != nil {
		return 0, 0, err
	}
	t, err := openTable(in)
	if err != nil {
		return 0, 0, err
	}
	w := newWriters(t, out, rejected, types)
	today := s.opt.Now()
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return w.rows, w.refused, err
		}
		var records []record
		if records, done, err = t.next(batch); err != nil {
			return w.rows, w.refused, err
		}
		items := make([]identity, len(records))
		for i, r := range records {
			items[i] = r.identity(t, strconv.Itoa(r.line))
		}
		for i, a := range s.answers(m, items, types, today) {
			w.write(records[i], a)
		}
		if err := w.flush(); err != nil {
			return w.rows, w.refused, err
		}
	}
	return w.rows, w.refused, nil
}

// fulfil returns a maker and the types for an order.
func (s *Sandbox) fulfil(o Order) (*maker, []string, error) {
	var client *Client
	for i := range s.opt.Clients {
		if c := s.clients[s.opt.Clients[i].ID]; client == nil && c.may(ScopeTemporary) && cmp.Or(o.ClientID, c.ID) == c.ID {
			client = c
		}
	}
	if client == nil {
		return nil, nil, errors.New("ttpsandbox: no client that may make temporary pseudonyms")
	}
	domain := cmp.Or(o.Domain, s.opt.Domains[0])
	types := o.Types
	if len(types) == 0 {
		types = []string{NGGV, NGG}
	}
	if p := s.allowed(client, domain, []string{"x"}); p != nil {
		return nil, nil, fmt.Errorf("ttpsandbox: domain %q: %s", domain, p.Code)
	}
	if p := knownTypes(types); p != nil {
		return nil, nil, fmt.Errorf("ttpsandbox: %s", p.Detail)
	}
	m := s.maker(domain, client, s.opt.Now())
	m.provider = cmp.Or(o.Provider, m.provider)
	return m, types, nil
}

// writers are the two outputs.
type writers struct {
	table         *table
	types         []string
	out, rejected *csv.Writer
	rows, refused int
}

func newWriters(t *table, out, rejected io.Writer, types []string) *writers {
	w := &writers{table: t, types: types, out: csv.NewWriter(out), rejected: csv.NewWriter(rejected)}
	w.out.Comma, w.out.UseCRLF = t.comma, true
	w.rejected.Comma, w.rejected.UseCRLF = t.comma, true
	if t.bom { // if these writes fail, flush fails too and returns the error
		_, _ = io.WriteString(out, "\ufeff")
		_, _ = io.WriteString(rejected, "\ufeff")
	}
	header := t.kept(t.header)
	for _, typ := range types {
		header = append(header, "Pseudoniem "+typ)
	}
	_ = w.out.Write(header) // flush returns the error
	_ = w.rejected.Write([]string{"Regel", "Patiëntnummer", "Code", "Melding"})
	return w
}

func (w *writers) write(r record, a answerItem) {
	if !usable(a.Findings) {
		w.refused++
		for _, f := range a.Findings {
			if f.Severity == fatal {
				_ = w.rejected.Write([]string{strconv.Itoa(r.line), r.field(w.table, number), f.Code, f.Message})
			}
		}
		return
	}
	w.rows++
	row := w.table.kept(r.fields)
	for _, typ := range w.types {
		value := "" // a type for which this row lacks an ingredient
		if i := slices.IndexFunc(a.Pseudonyms, func(p pseudonym) bool { return p.Type == typ }); i >= 0 {
			value = a.Pseudonyms[i].Value
		}
		row = append(row, value)
	}
	_ = w.out.Write(row)
}

func (w *writers) flush() error {
	w.out.Flush()
	w.rejected.Flush()
	if err := errors.Join(w.out.Error(), w.rejected.Error()); err != nil {
		return fmt.Errorf("ttpsandbox: writing: %w", err)
	}
	return nil
}

// identity returns the row as the hospital's own software would send it.
func (r record) identity(t *table, ref string) identity {
	return identity{
		Ref: ref, Surname: r.field(t, surname), Prefix: r.field(t, prefix), Initials: r.field(t, initials),
		BirthDate: isoDate(r.field(t, birthDate)), Sex: wireSex(r.field(t, sexColumn)),
	}
}

var dutchDate = regexp.MustCompile(`^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$`)

// isoDate turns d-m-yyyy into yyyy-mm-dd. Any other text stays as it is: whether it
// is a date that exists is for the TTP to say.
func isoDate(s string) string {
	s = strings.TrimSpace(s)
	if m := dutchDate.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("%s-%02s-%02s", m[3], m[2], m[1])
	}
	return s
}

// wireSex turns a hospital's words into m and v. Anything else stays as it is, for
// the TTP to refuse.
func wireSex(s string) string {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "m", "man", "male", "mannelijk":
		return "m"
	case "v", "vrouw", "f", "female", "vrouwelijk":
		return "v"
	}
	return s
}
