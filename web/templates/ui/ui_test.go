package ui

import (
	"strconv"
	"strings"
	"testing"
)

func width(t *testing.T, percentage string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(strings.TrimSuffix(percentage, "%"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// One rejected row in very many must still be seen, and the bar must be full.
func TestBarShowsTheSmallestPart(t *testing.T) {
	laid := stretches([]Part{{Key: "created", Count: 249_999}, {Key: "updated"}, {Key: "rejected", Count: 1}})
	if len(laid) != 2 {
		t.Fatalf("%d parts, want those that have rows: 2", len(laid))
	}
	if w := width(t, laid[1].Width); w < 0.9 {
		t.Errorf("the rejected row takes %v%% of the bar", w)
	}
	end := width(t, laid[1].X) + width(t, laid[1].Width)
	if end < 99.9 || end > 100.1 {
		t.Errorf("the bar ends at %v%%", end)
	}
}

func TestBarKeepsProportions(t *testing.T) {
	laid := stretches([]Part{{Key: "created", Count: 36}, {Key: "rejected", Count: 4}})
	if laid[0].Width != "90.00%" || laid[1].X != "90.00%" || laid[1].Width != "10.00%" {
		t.Errorf("laid out as %+v", laid)
	}
	if got := stretches(nil); len(got) != 0 {
		t.Errorf("no rows give %+v", got)
	}
}

func TestStatusKey(t *testing.T) {
	for _, tc := range []struct {
		status  string
		leftOut int
		want    string
	}{{"done", 0, "done"}, {"done", 4, "partial"}, {"failed", 4, "failed"}} {
		if got := StatusKey(tc.status, tc.leftOut); got != tc.want {
			t.Errorf("StatusKey(%q, %d) = %q, want %q", tc.status, tc.leftOut, got, tc.want)
		}
	}
}
