package value_test

import (
	"testing"

	"sluis/internal/patient"
	"sluis/internal/value"
)

func TestSex(t *testing.T) {
	for want, ins := range map[patient.Sex][]string{
		patient.Male:       {"m", "M", "man", "Mannelijk", "male", "1"},
		patient.Female:     {"v", "V", "Vrouw", "vrouwelijk", "f", "FEMALE", "2"},
		patient.SexUnknown: {"", "x", "o", "mv", "0", "9", "onbekend"},
	} {
		for _, in := range ins {
			if got := value.Sex(in); got != want {
				t.Errorf("sex(%q) = %q, want %q", in, got, want)
			}
		}
	}
}
