package value

import "testing"

func TestTypedDate(t *testing.T) {
	for _, c := range []struct {
		day, month, year, want string
	}{
		{"31", "1", "2001", "2001-01-31"}, {"01", "02", "1909", "1909-02-01"}, {"29", "2", "2024", "2024-02-29"},
		{"29", "2", "2023", ""}, {"31", "4", "2001", ""}, {"0", "1", "2001", ""}, {"1", "13", "2001", ""}, {"1", "1", "01", ""},
		{"1", "1", "0000", ""}, {"", "1", "2001", ""}, {"", "", "", ""}, {"a", "1", "2001", ""}, {"001", "1", "2001", ""},
	} {
		b, ok := TypedDate(c.day, c.month, c.year)
		if ok != (c.want != "") || ok && b.String() != c.want {
			t.Errorf("%s %s %s: %v, %v, want %q", c.day, c.month, c.year, b, ok, c.want)
		}
	}
}
