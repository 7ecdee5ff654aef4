package columns

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sluis/internal/delivery"
)

// The fields of an identity, named as in the TTP's wire contract; the other fields
// are in package delivery. The field of a pseudonym is its type (NGGV).
const (
	FieldSurname     delivery.Field = "surname"
	FieldPrefix      delivery.Field = "surnamePrefix"
	FieldInitials    delivery.Field = "initials"
	fieldEmail       delivery.Field = "email"
	FieldPostcode    delivery.Field = "postcode"
	FieldHouseNumber delivery.Field = "houseNumber"
	FieldSuffix      delivery.Field = "houseNumberSuffix"
	FieldRecordedOn  delivery.Field = "recordedOn"
	FieldExpiresAt   delivery.Field = "expiresAt" // of a row's temporary pseudonyms
	fieldBSN         delivery.Field = "bsn"
	fieldReport      delivery.Field = "report" // a column of our own error report, ignored without a note
)

// identityFields are the fields of an identity that a file can have.
var identityFields = []delivery.Field{
	FieldSurname, FieldPrefix, FieldInitials, fieldEmail, FieldPostcode, FieldHouseNumber, FieldSuffix, FieldRecordedOn,
}

// headers are the names under which hospitals deliver each field, as
// plain normalises them: only letters and digits, in lower case.
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
	FieldSurname: {
		"achternaam", "geboortenaam", "familienaam", "geslachtsnaam", "eigenachternaam", "surname", "lastname", "familyname",
		"birthname", "namefamily", "meisjesnaam", "maidenname", "eigennaam", "namesurname",
	},
	FieldPrefix: {
		"tussenvoegsel", "tussenvoegsels", "voorvoegsel", "voorvoegsels", "voorvoegselachternaam", "surnameprefix",
		"nameprefix", "prefix", "ownprefix", "nameownprefix", "eigenvoorvoegsel", "eigentussenvoegsel", "voorv", "tussenv",
	},
	FieldInitials: {"voorletters", "voorletter", "initialen", "initialia", "initials", "initial", "namegiven", "voorl", "init"},
	fieldEmail:    {"email", "emailadres", "emailaddress", "mailadres", "telecomemail"},
	FieldPostcode: {"postcode", "zipcode", "postalcode", "addresspostalcode"},
	FieldHouseNumber: {
		"huisnummer", "huisnr", "housenumber", "housenr", "houseno", "addresshousenumber",
	},
	FieldSuffix: {
		"huisnummertoevoeging", "toevoeging", "huisletter", "toevoeginghuisnummer", "housenumbersuffix", "suffix",
		"housenumberaddition", "addresssuffix",
	},
	FieldRecordedOn: {
		"peildatumpostcode", "peildatum", "postcodedatum", "datumpostcode", "postcodepeildatum", "recordedon",
		"postcoderecordedon", "recordedonpostcode", "postcodedate", "dateofpostcode", "referencedate",
		"postcodereferencedate", "addressperiodstart",
	},
	FieldExpiresAt: {
		"geldigtot", "geldigtotenmet", "geldigtm", "verlooptop", "verloopdatum", "vervaltop", "vervaldatum", "expiresat",
		"expireson", "expires", "expirydate", "expirationdate", "validuntil", "validto",
	},
	fieldBSN: {
		"bsn", "burgerservicenummer", "burgerservicenr", "bsnnummer", "bsnnr", "patientbsn", "bsnpatient", "sofinummer",
		"sofi", "sofinr", "citizenservicenumber",
	},
	fieldReport: {"fouternst", "foutmelding", "foutadvies", "foutcode", "foutbron"},
}

// pseudonymPrefixes are words that a header may have before a pseudonym type, or
// behind it.
var pseudonymPrefixes = []string{
	"tijdelijkpseudoniem", "tijdelijkepseudoniem", "temporarypseudonym", "pseudoniem", "pseudonym", "tp",
	"tijdelijkepseudoniemen", "temporarypseudonyms", "pseudoniemen", "pseudonyms",
}

// dayWords are words before or behind a pseudonym in the header of its day: the
// one on which its postcode was true.
var dayWords = []string{"peildatum", "recordedon", "referencedate", "datum", "date"}

// typeFields are the identity fields without which the TTP cannot make a type
// (seed 003 §4.2). For a type that is not listed, the TTP decides.
var typeFields = map[string][]delivery.Field{
	"NGGV": {FieldSurname, delivery.FieldBirthDate, delivery.FieldSex, FieldInitials},
	"NGG":  {FieldSurname, delivery.FieldBirthDate, delivery.FieldSex},
}

// lesser are headers of numbers that hospitals have besides the patient number.
// Such a column is the patient number only if there is no better one.
var lesser = []string{"epdnummer", "epdnr", "zisnummer", "zisnr", "medicalrecordnumber", "patientcode", "identifier"}

// ofPatient are the fields whose header may add that it is the patient's.
var ofPatient = []delivery.Field{
	delivery.FieldBirthDate,
	delivery.FieldBirthYear,
	delivery.FieldSex,
	FieldSurname,
	FieldPrefix,
	FieldInitials,
}

// byHeader is the field of each header in headers.
var byHeader = func() map[string]delivery.Field {
	m := make(map[string]delivery.Field)
	for f, names := range headers {
		for _, n := range names {
			m[n] = f
		}
	}
	return m
}()

// plain normalises a header: only its letters and digits, without marks, in lower
// case. "Patiëntnummer:" becomes "patientnummer".
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

// Wanted returns the header of a field that we ask for and that our examples have:
// the one that the pilot used.
func Wanted(f delivery.Field) string {
	if h, ok := ownHeaders[f]; ok {
		return h
	}
	return "Pseudoniem " + string(f)
}

var ownHeaders = map[delivery.Field]string{
	delivery.FieldCentre: "Centrum id", delivery.FieldPatientNumber: "Patiëntnummer", delivery.FieldBirthDate: "Geboortedatum",
	delivery.FieldBirthYear: "Geboortejaar", delivery.FieldSex: "Geslacht", FieldSurname: "Achternaam", FieldPrefix: "Tussenvoegsel",
	FieldInitials: "Voorletters", FieldPostcode: "Postcode", FieldHouseNumber: "Huisnummer", FieldSuffix: "Toevoeging",
	FieldRecordedOn: "Peildatum postcode", FieldExpiresAt: "Geldig tot",
}
