package ttpsandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Pseudonym types, with the fields that each is made from.
const (
	NGGV = "NGGV" // surname, birth date, sex, first initial
	NGG  = "NGG"  // surname, birth date, sex
	PGG  = "PGG"  // postcode with house number, birth date, sex; one for each postcode, with its date
)

// kind says which ingredients a type needs besides birth date and sex.
type kind struct{ surname, initial, postcode bool }

var kinds = map[string]kind{
	NGGV: {surname: true, initial: true},
	NGG:  {surname: true},
	PGG:  {postcode: true},
}

// person is an identity after checking and normalising.
type person struct {
	surname, initial, birthDate, sex string
	postcodes                        []postcode // usable ones
}

// hash returns the precursor of a person for one type: a keyed hash over the
// normalised fields. Each field is preceded by its length, so that two different
// sets of fields never make the same input.
func (k *keyring) hash(typ string, fields ...string) [sha256.Size]byte {
	mac := k.macs.Get().(hash.Hash) //nolint:forcetypeassert // newKeyring fills it
	defer k.macs.Put(mac)
	mac.Reset()
	writeField(mac, typ)
	for _, f := range fields {
		writeField(mac, f)
	}
	var out [sha256.Size]byte
	mac.Sum(out[:0])
	return out
}

func writeField(w interface{ Write([]byte) (int, error) }, s string) {
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(s))) // bodies are a few megabytes
	_, _ = w.Write(size[:])                             // hashes never fail
	_, _ = w.Write([]byte(s))
}

// unfold spells out the letters that NFKD does not decompose.
var unfold = strings.NewReplacer("ß", "ss", "ẞ", "ss", "ø", "o", "Ø", "o", "æ", "ae", "Æ", "ae", "œ", "oe", "Œ", "oe",
	"ł", "l", "Ł", "l", "đ", "d", "Đ", "d", "ĳ", "ij", "Ĳ", "ij")

// normalise returns the letters A–Z of s, in upper case and without marks.
func normalise(s string) string {
	if !ascii(s) {
		s = norm.NFKD.String(unfold.Replace(s))
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z':
			out = append(out, byte(r-'a'+'A'))
		case 'A' <= r && r <= 'Z':
			out = append(out, byte(r))
		}
	}
	return string(out)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// normalPostcode returns p as 1234AB, or nothing if it is no Dutch postcode.
func normalPostcode(p string) string {
	p = strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, p))
	if len(p) != 6 || p[0] == '0' {
		return ""
	}
	for i := range len(p) {
		digit, letter := '0' <= p[i] && p[i] <= '9', 'A' <= p[i] && p[i] <= 'Z'
		if i < 4 && !digit || i >= 4 && !letter {
			return ""
		}
	}
	return p
}
