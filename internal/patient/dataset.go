package patient

import (
	"context"
	"errors"
	"time"
)

// ErrDatasetMalformed says that a dataset cannot be read as one. It holds
// nothing of what was read.
var ErrDatasetMalformed = errors.New("the dataset cannot be read")

// Dataset is a set of rows that is ready at the TTP (the PVM technique): the hospital
// sent its file there, and the pseudonyms in it are definitive already.
type Dataset struct {
	ID        string
	Centre    string // the centre's number, as the TTP says
	CreatedAt time.Time
	Rows      int
	Types     []string
	Ready     bool // false while the TTP is still at work on it
}

// DatasetRow is one row of a dataset as the TTP sent it. Nothing of it is checked yet.
type DatasetRow struct {
	Number     string
	BirthDate  string // ISO date, or what the hospital gave
	Sex        string
	Pseudonyms []Pseudonym // with the registry's domain filled in
}

// Datasets is where the TTP's datasets come from. The error is [*UnavailableError] if the
// TTP cannot be used now, and apperr.NotFound "dataset_gone" if it no longer has the set.
type Datasets interface {
	Datasets(ctx context.Context) ([]Dataset, error)
	// Rows calls each for every row of a dataset; number counts from 1. An error of each
	// ends it. If the answer is complete and no dataset, it is [ErrDatasetMalformed].
	Rows(ctx context.Context, id string, each func(number int, row DatasetRow) error) error
}

// DomainConversion asks for the value of a pseudonym in another domain, or in its own
// under the newest key.
type DomainConversion struct {
	Ref       string // random, the same on a retry
	Pseudonym Pseudonym
}

// DomainConverted is the TTP's answer to a DomainConversion: a pseudonym, or fatal findings.
type DomainConverted struct {
	Pseudonym Pseudonym // with the RecordedOn and ObservedOn of the question
	Findings  []Finding
}

// DomainConverter exchanges definitive pseudonyms for those of domain to, under the
// newest key. Like [Resolver] it answers exactly the refs that were asked, or fails.
type DomainConverter interface {
	Convert(ctx context.Context, key, from, to string, items []DomainConversion) (map[string]DomainConverted, error)
}

// Renewal is one walk over all pseudonyms that fetches their values under the TTP's
// newest key. The old values stay.
type Renewal struct {
	StartedAt  time.Time
	FinishedAt time.Time // zero until it is done
	Total      int       // pseudonyms when it started
	Looked     int       // at so many of them
	Added      int       // new values stored
	Refused    int       // the TTP had a finding instead of a value
	Conflicts  int       // the patient has another value in that space already
	NextTryAt  time.Time // set while the TTP does not answer
}
