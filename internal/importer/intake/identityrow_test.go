package intake

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"testing"

	"sluis/internal/chunk"
	"sluis/internal/identity"
	"sluis/internal/patient"
)

// TestIdentityRowsStay checks that the packed bytes do not change: a release must read what
// the one before it has stored.
func TestIdentityRowsStay(t *testing.T) {
	rows := []identityRow{
		{"r1", 2, patient.Display{Number: "0123 é", Birth: patient.Birth{Year: 1970, Month: 1, Day: 2}, Sex: patient.Female},
			identity.Fields{
				Surname: "Canary é", Prefix: "van", Initials: "A.B.", BirthDate: "1970-01-02", Sex: "v",
				Postcodes: []identity.Postcode{{Postcode: "1234AB", HouseNumber: "5", Suffix: "a", RecordedOn: "2020-01-01"},
					{Postcode: "4321ZZ"}},
			}},
		{"r2", 3, patient.Display{Number: "7"}, identity.Fields{Surname: "X", Prefix: "van"}},
	}
	const packed = "010402723104073031323320c3a9e41e02040001760943616e61727920c3a9010376616e0204412e422e0a313937302d30312d3032000406313233344142013501610a323032302d30312d3031" +
		"06343332315a5a000000027232060137000000030001580103000300"
	golden, err := hex.DecodeString(packed)
	if err != nil {
		t.Fatal(err)
	}
	var plain plainKey
	if _, err := chunk.Seal(&plain, 0, identityRows, rows); err != nil || plain.sealed != packed {
		t.Errorf("packed %s (%v), want %s", plain.sealed, err, packed)
	}
	older, err := json.Marshal(rows) // the format of older versions
	if err != nil {
		t.Fatal(err)
	}
	for form, b := range map[string][]byte{"packed": golden, "JSON": older} {
		if got, err := chunk.Open(&plain, 0, identityRows, b); err != nil || !reflect.DeepEqual(got, rows) {
			t.Errorf("%s: %+v (%v), want %+v", form, got, err, rows)
		}
	}
}

// plainKey is a key that does not encrypt. It remembers the last bytes in hexadecimal.
type plainKey struct{ sealed string }

func (k *plainKey) Seal(plain []byte, _ string) ([]byte, error) {
	k.sealed = hex.EncodeToString(plain)
	return nil, nil
}

func (k *plainKey) Open(sealed []byte, _ string) ([]byte, error) { return sealed, nil }
