package chunk

import (
	"slices"
	"testing"
)

func marks() []Mark {
	return []Mark{{2, "0123", -1, 1}, {3, "", 0, 0}, {1_000_001, "ĳ é", 1 << 62, -1 << 63}}
}

func TestMarksComeBack(t *testing.T) {
	list := marks()
	b := PackMarks(list)
	if got, err := UnpackMarks(b); err != nil || !slices.Equal(got, list) {
		t.Fatalf("%+v (%v)", got, err)
	}
	if got, err := UnpackMarks(PackMarks(nil)); err != nil || len(got) != 0 {
		t.Errorf("none: %+v (%v)", got, err)
	}
	for n := range len(b) {
		got, err := UnpackMarks(b[:n])
		if err == nil && (len(got) == len(list) || !slices.Equal(got, list[:len(got)])) {
			t.Errorf("cut off at %d: %+v", n, got)
		}
	}
	for i := range b { // damaged bytes are an error or other marks, and never a panic
		for _, x := range []byte{0, 0x7f, 0xff} {
			damaged := slices.Clone(b)
			damaged[i] = x
			_, _ = UnpackMarks(damaged)
		}
	}
}
