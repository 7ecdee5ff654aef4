package entry_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/identity"
	"sluis/internal/importer"
	"sluis/internal/patient"
	"sluis/internal/server/entry"
	"sluis/internal/value/valuetest"
)

// stub is the TTP and the registry behind an entry. It keeps the number that reaches it.
type stub struct{ number string }

func (s *stub) PrepareOne(context.Context, identity.Identity) ([]patient.Temporary, []patient.Finding, error) {
	return nil, nil, nil
}

func (s *stub) RegisterEntry(
	_ context.Context, _ audit.Who, _ account.Centre, d patient.Display, _ []patient.Temporary,
) (importer.Entered, error) {
	s.number = d.Number
	return importer.Entered{Outcome: patient.Created}, nil
}

func (s *stub) Record(context.Context, audit.Event) error { return nil }

// TestAnyWritingInSingleEntry: a BSN in whatever writing is refused before the TTP is asked,
// and a plain number in whatever writing is stored as one number.
func TestAnyWritingInSingleEntry(t *testing.T) {
	writings, failures := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		door := &stub{}
		s := entry.New(entry.Options{Preparer: door, Desk: door, Log: door, Now: time.Now})
		submit := func(number string) entry.Result {
			writings++
			door.number = ""
			result, err := s.Submit(context.Background(), audit.Who{}, account.Centre{}, entry.Values{Number: number})
			if err != nil {
				t.Fatal(err)
			}
			return result
		}
		bsn := valuetest.BSN(t, rapid.SampledFrom(valuetest.BSNs).Draw(t, "bsn"))
		if r := submit(bsn); r.Stored() || door.number != "" || len(r.Faults) != 1 ||
			r.Faults[0] != (entry.Fault{Field: entry.Number, Code: "number_bsn"}) {
			failures++
			t.Errorf("%q: %+v", bsn, r)
		}
		digits := fmt.Sprint(rapid.IntRange(1_000, 9_999_999).Draw(t, "number"))
		written := valuetest.Number(t, digits)
		if r := submit(written); !r.Stored() || door.number != digits || r.Number != digits {
			failures++
			t.Errorf("%q: %q, %+v", written, door.number, r)
		}
	})
	t.Logf("%d writings, %d failures", writings, failures)
}

// TestRewrittenNumber: who typed a number with marks in it is told that these were taken out.
func TestRewrittenNumber(t *testing.T) {
	door := &stub{}
	s := entry.New(entry.Options{Preparer: door, Desk: door, Log: door, Now: time.Now})
	for typed, told := range map[string]bool{
		"700100": false, "\t700100\t": false, "0123": false, "700\u200b100": true, "700100.0": true, "7.001E5": true, "700\u00a0100": true,
	} {
		r, err := s.Submit(t.Context(), audit.Who{}, account.Centre{}, entry.Values{Number: typed})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(r.Findings) == 1 && r.Findings[0].Code == "NUMBER_REWRITTEN" &&
			r.Findings[0].Severity == patient.Warning; got != told {
			t.Errorf("%q: %+v", typed, r.Findings)
		}
	}
}
