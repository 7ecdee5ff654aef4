package intake

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sluis/internal/delivery"
)

// The identity fields, by their names in the TTP's wire contract. The others
// are in package delivery. A pseudonym column's field is its type (NGGV).
const (
	fieldSurname     delivery.Field = "surname"
	fieldPrefix      delivery.Field = "surnamePrefix"
	fieldInitials    delivery.Field = "initials"
	fieldEmail       delivery.Field = "email"
	fieldPostcode    delivery.Field = "postcode"
	fieldHouseNumber delivery.Field = "houseNumber"
	fieldSuffix      delivery.Field = "houseNumberSuffix"
	fieldRecordedOn  delivery.Field = "recordedOn"
	fieldBSN         delivery.Field = "bsn"
	fieldReport      delivery.Field = "report" // a column of our own error report: ignored without a word
)

// identityFields are those whose presence makes a file one with identities.
var identityFields = []delivery.Field{
	fieldSurname, fieldPrefix, fieldInitials, fieldEmail, fieldPostcode, fieldHouseNumber, fieldSuffix, fieldRecordedOn,
}

// headers are the names under which hospitals deliver each field, normalised by
// plain: lower case, letters and digits alone.
var headers = map[delivery.Field][]string{
	delivery.FieldCentre: {
		"centrumid", "centrum", "centrumnummer", "centrumnr", "centrumcode", "zorgaanbieder", "zorgaanbiederid",
		"zorgaanbiedernummer", "ziekenhuis", "ziekenhuisnummer", "instelling", "instellingsnummer", "centre", "centreid",
		"centrenumber", "center", "centerid", "hospital", "hospitalid",
	},
	delivery.FieldPatientNumber: {
		"patientnummer", "patientnr", "patientennummer", "patientid", "patid", "patnr", "patientidentificatie",
		"patientidentificatienummer", "ziekenhuisnummerpatient", "patientnumber", "patientno", "mrn", "lokaalpatientnummer",
	},
	delivery.FieldBirthDate: {
		"geboortedatum", "gebdatum", "gebdat", "geboortedat", "datumgeboorte", "birthdate", "dateofbirth", "dob", "birthday",
	},
	delivery.FieldBirthYear: {"geboortejaar", "gebjaar", "jaargeboorte", "birthyear", "yearofbirth"},
	delivery.FieldSex:       {"geslacht", "sexe", "sex", "gender", "geslachtcode", "administratievegeslacht"},
	fieldSurname: {
		"achternaam", "geboortenaam", "familienaam", "geslachtsnaam", "eigenachternaam", "surname", "lastname", "familyname",
		"birthname",
	},
	fieldPrefix: {
		"tussenvoegsel", "tussenvoegsels", "voorvoegsel", "voorvoegsels", "voorvoegselachternaam", "surnameprefix",
		"nameprefix", "prefix", "ownprefix",
	},
	fieldInitials: {"voorletters", "voorletter", "initialen", "initialia", "initials", "initial"},
	fieldEmail:    {"email", "emailadres", "emailaddress", "mailadres"},
	fieldPostcode: {"postcode", "zipcode", "postalcode"},
	fieldHouseNumber: {
		"huisnummer", "huisnr", "housenumber",
	},
	fieldSuffix:     {"huisnummertoevoeging", "toevoeging", "huisletter", "housenumbersuffix", "suffix"},
	fieldRecordedOn: {"peildatumpostcode", "peildatum", "postcodedatum", "recordedon"},
	fieldBSN: {
		"bsn", "burgerservicenummer", "burgerservicenr", "bsnnummer", "bsnnr", "patientbsn", "bsnpatient", "sofinummer",
		"sofi", "sofinr", "citizenservicenumber",
	},
	fieldReport: {"foutmelding", "foutcode", "foutadvies", "foutbron"},
}

// pseudonymPrefixes stand before a pseudonym type in a header.
var pseudonymPrefixes = []string{
	"tijdelijkpseudoniem", "tijdelijkepseudoniem", "temporarypseudonym", "pseudoniem", "pseudonym", "tp",
}

// typeFields are the identity fields without which a type cannot be made
// (seed 003 §4.2); a type that is not listed is left to the TTP.
var typeFields = map[string][]delivery.Field{
	"NGGV": {fieldSurname, delivery.FieldBirthDate, delivery.FieldSex, fieldInitials},
	"NGG":  {fieldSurname, delivery.FieldBirthDate, delivery.FieldSex},
}

// byHeader is headers turned round.
var byHeader = func() map[string]delivery.Field {
	m := make(map[string]delivery.Field)
	for f, names := range headers {
		for _, n := range names {
			m[n] = f
		}
	}
	return m
}()

// plain normalises a header: no marks, lower case, letters and digits alone.
func plain(header string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(header) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// layout is what the columns of a file turned out to be.
type layout struct {
	kind    delivery.Kind
	at      map[delivery.Field]int // column of each field
	types   []string               // pseudonym types that have a column
	columns delivery.Columns
	unknown []string // columns we ignore, by their place
	// lastColumn is the number of columns up to the last that has a header.
	lastColumn int
}

// cell gives the row's value of a field; empty where it has no such column.
func (l layout) cell(cells []string, f delivery.Field) string {
	if i, ok := l.at[f]; ok && i < len(cells) {
		return cells[i]
	}
	return ""
}

// recognise assigns the columns of a header, and gives every reason at once why
// the file must be refused.
func recognise(header, types []string, linkType string) (layout, []delivery.Remark) {
	l := layout{at: map[delivery.Field]int{}, columns: delivery.Columns{}}
	var refusals []delivery.Remark
	for i, h := range header {
		if h != "" {
			l.lastColumn = i + 1
		}
		f := fieldOf(h, types)
		switch {
		case f == "" && h != "":
			l.unknown = append(l.unknown, place(i))
			continue
		case f == "", f == fieldReport:
			continue
		case f == fieldBSN:
			refusals = append(refusals, remark("BSN_COLUMN", "column", h))
			continue
		}
		if _, twice := l.at[f]; twice {
			refusals = append(refusals, remark("DOUBLE_COLUMN", "column", h))
			continue
		}
		l.at[f], l.columns[f] = i, h
		if slices.Contains(types, string(f)) {
			l.types = append(l.types, string(f))
		}
	}
	if len(l.at) == 0 && len(refusals) == 0 {
		return l, []delivery.Remark{remark("NO_HEADER")}
	}
	return l, append(refusals, l.settleKind(linkType)...)
}

// settleKind tells identities from temporary pseudonyms, and what is missing.
func (l *layout) settleKind(linkType string) []delivery.Remark {
	named := slices.ContainsFunc(identityFields, l.has)
	switch {
	case named && len(l.types) > 0:
		return []delivery.Remark{remark("MIXED")}
	case len(l.types) > 0:
		l.kind = delivery.Temporary
	default:
		l.kind = delivery.Identities
	}
	need := []delivery.Field{delivery.FieldPatientNumber}
	if l.kind == delivery.Identities {
		for _, f := range typeFields[linkType] {
			if !slices.Contains(need, f) {
				need = append(need, f)
			}
		}
	} else {
		need = append(need, delivery.FieldSex)
		if !l.has(delivery.FieldBirthYear) {
			need = append(need, delivery.FieldBirthDate)
		}
	}
	var missing []delivery.Remark
	for _, f := range need {
		if !l.has(f) {
			missing = append(missing, remark("MISSING_COLUMN", "column", wanted(f)))
		}
	}
	if l.kind == delivery.Temporary && !slices.Contains(l.types, linkType) {
		missing = append(missing, remark("NO_LINK_PSEUDONYM", "column", wanted(delivery.Field(linkType))))
	}
	return missing
}

func (l *layout) has(f delivery.Field) bool { _, ok := l.at[f]; return ok }

// fieldOf recognises one header; empty where it does not.
func fieldOf(header string, types []string) delivery.Field {
	p := plain(header)
	if f, ok := byHeader[p]; ok {
		return f
	}
	if strings.Contains(p, "burgerservice") || strings.HasPrefix(p, "bsn") || strings.HasSuffix(p, "bsn") {
		return fieldBSN
	}
	for _, t := range types {
		name := plain(t)
		if p == name {
			return delivery.Field(t)
		}
		for _, prefix := range pseudonymPrefixes {
			if p == prefix+name {
				return delivery.Field(t)
			}
		}
	}
	return ""
}

// place names a column as a spreadsheet does: "5 (E)".
func place(i int) string {
	letters := ""
	for n := i + 1; n > 0; n = (n - 1) / 26 {
		letters = string(rune('A'+(n-1)%26)) + letters
	}
	return strconv.Itoa(i+1) + " (" + letters + ")"
}

// wanted is the header that we ask for where a column is missing: the pilot's.
func wanted(f delivery.Field) string {
	switch f {
	case delivery.FieldPatientNumber:
		return "Patiëntnummer"
	case delivery.FieldBirthDate:
		return "Geboortedatum"
	case delivery.FieldSex:
		return "Geslacht"
	case fieldSurname:
		return "Achternaam"
	case fieldInitials:
		return "Voorletters"
	}
	return "Pseudoniem " + string(f)
}

// remark makes a Remark from name, value pairs.
func remark(code string, args ...string) delivery.Remark {
	r := delivery.Remark{Code: code}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}
