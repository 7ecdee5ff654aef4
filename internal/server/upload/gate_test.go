package upload

import (
	"testing"

	"sluis/internal/apperr"
)

func TestGate(t *testing.T) {
	g := NewGate(2)
	leave, err := g.Acquire(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Acquire(1); err != nil {
		t.Errorf("the second: %v", err)
	}
	if _, err := g.Acquire(1); apperr.KindOf(err) != apperr.TooMany {
		t.Errorf("the third: %v, want too many", err)
	}
	if _, err := g.Acquire(2); err != nil {
		t.Errorf("another centre: %v", err)
	}
	leave()
	if _, err := g.Acquire(1); err != nil {
		t.Errorf("after one left: %v", err)
	}
}
