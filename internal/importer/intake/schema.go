package intake

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sluis/internal/delivery"
	"sluis/internal/value"
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
	fieldExpiresAt   delivery.Field = "expiresAt" // of a row's temporary pseudonyms
	fieldBSN         delivery.Field = "bsn"
	fieldReport      delivery.Field = "report" // a column of our own error report: ignored without a word
)

// identityFields are those whose presence makes a file one with identities, save
// that a day alone may be the day of a pseudonym.
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
		"patientidentificatienummer", "ziekenhuisnummerpatient", "patientnumber", "patientno", "mrn", "lokaalpatientnummer", "identifier",
		"patientcode", "patientnum", "patnum", "patnummer", "epdnummer", "epdnr", "zisnummer", "zisnr", "medicalrecordnumber",
	},
	delivery.FieldBirthDate: {
		"geboortedatum", "gebdatum", "gebdat", "geboortedat", "datumgeboorte", "birthdate", "dateofbirth", "dob", "birthday",
		"geborenop", "datumvangeboorte",
	},
	delivery.FieldBirthYear: {"geboortejaar", "gebjaar", "jaargeboorte", "birthyear", "yearofbirth"},
	delivery.FieldSex:       {"geslacht", "sexe", "sex", "gender", "geslachtcode", "administratievegeslacht", "sekse", "gesl", "mv"},
	fieldSurname: {
		"achternaam", "geboortenaam", "familienaam", "geslachtsnaam", "eigenachternaam", "surname", "lastname", "familyname",
		"birthname", "namefamily", "meisjesnaam", "maidenname", "eigennaam", "namesurname",
	},
	fieldPrefix: {
		"tussenvoegsel", "tussenvoegsels", "voorvoegsel", "voorvoegsels", "voorvoegselachternaam", "surnameprefix",
		"nameprefix", "prefix", "ownprefix", "nameownprefix", "eigenvoorvoegsel", "eigentussenvoegsel", "voorv", "tussenv",
	},
	fieldInitials: {"voorletters", "voorletter", "initialen", "initialia", "initials", "initial", "namegiven", "voorl", "init"},
	fieldEmail:    {"email", "emailadres", "emailaddress", "mailadres", "telecomemail"},
	fieldPostcode: {"postcode", "zipcode", "postalcode", "addresspostalcode"},
	fieldHouseNumber: {
		"huisnummer", "huisnr", "housenumber", "housenr", "houseno", "addresshousenumber",
	},
	fieldSuffix: {
		"huisnummertoevoeging", "toevoeging", "huisletter", "toevoeginghuisnummer", "housenumbersuffix", "suffix",
		"housenumberaddition", "addresssuffix",
	},
	fieldRecordedOn: {
		"peildatumpostcode", "peildatum", "postcodedatum", "datumpostcode", "postcodepeildatum", "recordedon",
		"postcoderecordedon", "recordedonpostcode", "postcodedate", "dateofpostcode", "referencedate",
		"postcodereferencedate", "addressperiodstart",
	},
	fieldExpiresAt: {
		"geldigtot", "geldigtotenmet", "geldigtm", "verlooptop", "verloopdatum", "vervaltop", "vervaldatum", "expiresat",
		"expireson", "expires", "expirydate", "expirationdate", "validuntil", "validto",
	},
	fieldBSN: {
		"bsn", "burgerservicenummer", "burgerservicenr", "bsnnummer", "bsnnr", "patientbsn", "bsnpatient", "sofinummer",
		"sofi", "sofinr", "citizenservicenumber",
	},
	fieldReport: {"fouternst", "foutmelding", "foutadvies", "foutcode", "foutbron"},
}

// pseudonymPrefixes stand before a pseudonym type in a header.
var pseudonymPrefixes = []string{
	"tijdelijkpseudoniem", "tijdelijkepseudoniem", "temporarypseudonym", "pseudoniem", "pseudonym", "tp",
	"tijdelijkepseudoniemen", "temporarypseudonyms", "pseudoniemen", "pseudonyms",
}

// dayWords stand before or behind a pseudonym in the header of the day on which
// its postcode was true.
var dayWords = []string{"peildatum", "recordedon", "referencedate", "datum", "date"}

// typeFields are the identity fields without which a type cannot be made
// (seed 003 §4.2); a type that is not listed is left to the TTP.
var typeFields = map[string][]delivery.Field{
	"NGGV": {fieldSurname, delivery.FieldBirthDate, delivery.FieldSex, fieldInitials},
	"NGG":  {fieldSurname, delivery.FieldBirthDate, delivery.FieldSex},
}

// lesser are headers of a number that hospitals have besides the patient number: a
// column that bears one is the patient number where no other is.
var lesser = []string{"epdnummer", "epdnr", "zisnummer", "zisnr", "medicalrecordnumber", "patientcode", "identifier"}

// ofPatient are the fields whose header may tell besides whose they are.
var ofPatient = []delivery.Field{delivery.FieldBirthDate, delivery.FieldBirthYear, delivery.FieldSex, fieldSurname, fieldPrefix, fieldInitials}

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
	named   bool                   // a column can hold an identity, read or not
	at      map[delivery.Field]int // column of each field that is read
	types   []string               // pseudonym types that have a column
	columns delivery.Columns
	// addresses are the postcodes that a row may have, slots its pseudonyms; both
	// in the order of their numbers.
	addresses []address
	slots     []slot
	unknown   int              // columns whose header says nothing to us
	ignored   []int            // columns that are not read, ascending
	fields    []delivery.Field // those that are read, in the order of their columns
	// lastColumn is the number of columns up to the last that has a header of the
	// user's own; reports are those of our error report, which are passed over.
	lastColumn int
	reports    []int
}

// places names the ignored columns, by their place alone.
func (l layout) places() []string {
	out := make([]string, len(l.ignored))
	for i, column := range l.ignored {
		out[i] = place(column)
	}
	return out
}

// cell gives the row's value of a field; empty where it has no such column, or a
// word of databases for no value. Somebody may be called Null.
func (l layout) cell(cells []string, f delivery.Field) string {
	i, ok := l.at[f]
	if !ok || i >= len(cells) {
		return ""
	}
	if c := cells[i]; !value.IsNull(c) || c == "NULL" && f == fieldSurname {
		return c
	}
	return ""
}

// recognise assigns the columns of a header, and gives every reason at once why
// the file must be refused.
func recognise(header []string, types pseudonymTypes) (layout, []delivery.Remark) {
	return lay(header, types, nil)
}

// lay assigns the columns of a header: as chosen says, where a user chose, and
// else by their names. What a user leaves out that has a known name is not read,
// but still tells what the file holds.
func lay(header []string, types pseudonymTypes, chosen map[delivery.Field]int) (layout, []delivery.Remark) {
	l := layout{at: map[delivery.Field]int{}, columns: delivery.Columns{}}
	known := newWords(types)
	assigned := make(map[int]delivery.Field, len(chosen))
	for f, column := range chosen {
		assigned[column] = f
	}
	var refusals []delivery.Remark
	for i, h := range header {
		field, byUser := assigned[i]
		if h == "" && !byUser {
			continue
		}
		r := known.fieldOf(h)
		if r.field == fieldReport && !byUser {
			l.reports = append(l.reports, i)
			continue
		}
		l.lastColumn = i + 1
		if r.field == fieldBSN {
			refusals = append(refusals, remark("BSN_COLUMN", "column", h))
			continue
		}
		if slices.Contains(identityFields, r.field) && r.field != fieldRecordedOn {
			l.named = true
		}
		switch {
		case byUser:
			r = known.named(field)
			l.named = l.named || slices.Contains(identityFields, r.field) && r.field != fieldRecordedOn
		case chosen != nil && Assignable(r.key(), types.all):
			r = recognised{} // the user was asked, and chose otherwise
		}
		switch {
		case r.field == "" || r.no > maxSets:
			if r.field == "" {
				l.unknown++
			}
			l.ignored = append(l.ignored, i)
			continue
		}
		if first, twice := l.at[r.key()]; twice && chosen == nil && r.field == delivery.FieldPatientNumber {
			// Of two numbers, the one that is called so.
			if lesser, was := isLesser(h), isLesser(header[first]); lesser != was {
				if was {
					l.at[r.key()], l.columns[r.key()] = i, h
					i = first
				}
				l.ignored = append(l.ignored, i)
				continue
			}
		}
		if _, twice := l.at[r.key()]; twice {
			refusals = append(refusals, remark("DOUBLE_COLUMN", "column", h))
			continue
		}
		l.at[r.key()], l.columns[r.key()] = i, cmp.Or(h, place(i))
		if r.typ != "" && r.field == ofType(r.typ) && !slices.Contains(l.types, r.typ) {
			l.types = append(l.types, r.typ)
		}
	}
	if len(l.at) == 0 && len(refusals) == 0 {
		return l, []delivery.Remark{remark("NO_HEADER")}
	}
	refusals = append(refusals, l.settleKind(types.link)...)
	l.settleSets(types)
	slices.Sort(l.ignored)
	l.fields = slices.SortedFunc(maps.Keys(l.at), func(a, b delivery.Field) int { return l.at[a] - l.at[b] })
	return l, refusals
}

func isLesser(header string) bool { return slices.Contains(lesser, plain(header)) }

// settleKind tells identities from temporary pseudonyms, and what is missing.
func (l *layout) settleKind(linkType string) []delivery.Remark {
	switch {
	case l.named && len(l.types) > 0:
		return []delivery.Remark{remark("MIXED")}
	case len(l.types) > 0:
		l.kind = delivery.Temporary
	default:
		l.kind = delivery.Identities
	}
	var missing []delivery.Remark
	for _, f := range required(l.kind, linkType) {
		switch {
		case l.has(f), f == delivery.FieldBirthDate && l.kind == delivery.Temporary && l.has(delivery.FieldBirthYear):
		case f == ofType(linkType):
			missing = append(missing, remark("NO_LINK_PSEUDONYM", "column", Wanted(f)))
		default:
			missing = append(missing, remark("MISSING_COLUMN", "column", Wanted(f)))
		}
	}
	return missing
}

// required are the fields without which a file of a kind cannot be taken; the
// birth year may stand for the date beside pseudonyms.
func required(kind delivery.Kind, linkType string) []delivery.Field {
	need := []delivery.Field{delivery.FieldPatientNumber}
	if kind != delivery.Identities {
		return append(need, delivery.FieldSex, delivery.FieldBirthDate, ofType(linkType))
	}
	for _, f := range typeFields[linkType] {
		if !slices.Contains(need, f) {
			need = append(need, f)
		}
	}
	return need
}

func (l *layout) has(f delivery.Field) bool { _, ok := l.at[f]; return ok }

// place names a column as a spreadsheet does: "5 (E)".
func place(i int) string {
	letters := ""
	for n := i + 1; n > 0; n = (n - 1) / 26 {
		letters = string(rune('A'+(n-1)%26)) + letters
	}
	return strconv.Itoa(i+1) + " (" + letters + ")"
}

// Wanted is the header that we ask for and that our examples have: the pilot's.
func Wanted(f delivery.Field) string {
	if h, ok := ownHeaders[f]; ok {
		return h
	}
	return "Pseudoniem " + string(f)
}

var ownHeaders = map[delivery.Field]string{
	delivery.FieldCentre: "Centrum id", delivery.FieldPatientNumber: "Patiëntnummer", delivery.FieldBirthDate: "Geboortedatum",
	delivery.FieldBirthYear: "Geboortejaar", delivery.FieldSex: "Geslacht", fieldSurname: "Achternaam", fieldPrefix: "Tussenvoegsel",
	fieldInitials: "Voorletters", fieldPostcode: "Postcode", fieldHouseNumber: "Huisnummer", fieldSuffix: "Toevoeging",
	fieldRecordedOn: "Peildatum postcode", fieldExpiresAt: "Geldig tot",
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
