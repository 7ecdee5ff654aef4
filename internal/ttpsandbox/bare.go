package ttpsandbox

// Bare is only the sandbox's cryptography: no HTTP, no JSON, no checks. The
// benchmark of the whole program is compared with it.
type Bare struct {
	sandbox *Sandbox
	maker   *maker
	types   []string
}

// Bare returns the cryptography that makes an order's pseudonyms.
func (s *Sandbox) Bare(o Order) (*Bare, error) {
	m, types, err := s.fulfil(o)
	if err != nil {
		return nil, err
	}
	return &Bare{s, m, types}, nil
}

// Temporary returns the temporary pseudonyms of one person, in the order of the
// types. birthDate is an ISO date, and sex is m or v.
func (b *Bare) Temporary(surname, initials, birthDate, sex string) []string {
	p := person{surname: normalise(surname), initial: normalise(initials)[:1], birthDate: birthDate, sex: sex}
	out := make([]string, 0, len(b.types))
	for _, v := range b.maker.all("", p, b.types) {
		out = append(out, v.Value)
	}
	return out
}

// Definitive exchanges the temporary pseudonyms of one person, in the order of the
// types. It returns false if one of them is not valid.
func (b *Bare) Definitive(temporaries []string) ([]string, bool) {
	out := make([]string, 0, len(temporaries))
	for i, t := range temporaries {
		o, ok := b.sandbox.keys.open(t, b.maker.recipient)
		if !ok || o.typ != b.types[i] || o.domain != b.maker.domain || !b.sandbox.opt.Now().Before(o.expires) {
			return nil, false
		}
		value, err := b.sandbox.keys.definitive(b.maker.domain, o.typ, b.sandbox.keyVersion(), o.precursor)
		if err != nil {
			return nil, false
		}
		out = append(out, value)
	}
	return out, true
}
