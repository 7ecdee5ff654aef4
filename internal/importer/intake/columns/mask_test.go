package columns

import (
	"strings"
	"testing"
)

// TestSampleHidesNames checks that only the shape is shown of a cell that may be a name.
func TestSampleHidesNames(t *testing.T) {
	for in, want := range map[string]string{
		"Jansen": "••••••", "van den Berg": "••• ••• ••••", "1234AB": "••••••", "a@b.nl": "•@•.••", "Müller": "••••••", "m": "•",
		"0123": "0123", "31-1-2001": "31-1-2001", "111222333": "•••••••••", "": "", "12 a": "•• •",
		strings.Repeat("x", 30): strings.Repeat("•", 24) + "…",
	} {
		if got := sample(in, false); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
	if got := sample("V", true); got != "V" {
		t.Errorf("a code is shown as %q", got)
	}
}
