package importer

import (
	"context"
	"crypto/rand"
	"slices"

	"sluis/internal/patient"
)

// exchanger asks the TTP for definitive pseudonyms, for a chunk and for a single entry.
type exchanger struct {
	resolver patient.Resolver
	link     string // the linking type
}

// ask calls the TTP about rows that the centre with this number delivered. No rows need
// no call.
func (x exchanger) ask(ctx context.Context, key, centre string, rows []patient.TemporaryRow) (map[string]patient.Resolved, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	items := make([]patient.Resolvable, len(rows))
	for i, r := range rows {
		items[i] = patient.Resolvable{Ref: r.Ref, Temporaries: r.Temporaries, Provider: centre}
	}
	return x.resolver.Resolve(ctx, key, items)
}

// accept returns the findings and the dated pseudonyms of an answer. A row without a
// linking pseudonym is rejected, because nobody could tell whose it is. outage reports
// whether a temporary pseudonym of a type expired during an outage of the TTP.
func (x exchanger) accept(a patient.Resolved, outage func(typ string) bool, today string) ([]patient.Finding, []patient.Pseudonym) {
	findings := slices.Clone(a.Findings)
	for i, f := range findings {
		if f.Source == patient.TTP && f.Code == codeExpired && outage(f.Field) {
			findings[i] = patient.Finding{Severity: patient.Fatal, Source: patient.Sluis, Code: codeExpiredDuringOutage, Field: f.Field}
		}
	}
	linked := false
	for i, p := range a.Pseudonyms {
		linked = linked || p.Type == x.link
		if p.ObservedOn == "" {
			a.Pseudonyms[i].ObservedOn = today
		}
	}
	if !linked && !patient.AnyFatal(a.Findings) {
		findings = append(findings, patient.Finding{
			Severity: patient.Fatal, Source: patient.Sluis, Code: "LINK_PSEUDONYM_MISSING", Field: x.link,
		})
	}
	return findings, a.Pseudonyms
}

// newRef returns a random reference, for a call or for a row in it.
func newRef() string { return rand.Text() }
