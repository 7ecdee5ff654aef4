// Package dataset lists and fetches the datasets that the TTP has ready for the
// registry. The pseudonyms of their rows are definitive already (the PVM technique,
// seed 001).
//
// It never sees an identity or a temporary pseudonym, rejects no row, and keeps
// nothing.
package dataset

import (
	"context"

	"sluis/internal/patient"
	"sluis/internal/ttpclient"
)

// Client is a [patient.Datasets].
type Client struct {
	ttp    *ttpclient.Client
	domain string
}

var _ patient.Datasets = (*Client)(nil)

// New makes a client for the registry's domain. The credential of ttp must have
// scope [ttpclient.ScopeDatasets].
func New(ttp *ttpclient.Client, domain string) *Client { return &Client{ttp: ttp, domain: domain} }

// Datasets implements [patient.Datasets].
func (c *Client) Datasets(ctx context.Context) ([]patient.Dataset, error) {
	list, err := c.ttp.Datasets(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]patient.Dataset, len(list))
	for i, d := range list {
		out[i] = patient.Dataset{
			ID: d.ID, Centre: d.Centre, CreatedAt: d.CreatedAt.UTC(), Rows: d.Rows, Types: d.Types,
			Ready: d.State == ttpclient.DatasetReady,
		}
	}
	return out, nil
}

// Rows implements [patient.Datasets].
func (c *Client) Rows(ctx context.Context, id string, each func(number int, row patient.DatasetRow) error) error {
	return c.ttp.DatasetRows(ctx, id, func(number int, r ttpclient.DatasetRow) error {
		row := patient.DatasetRow{
			Number:     r.PatientNumber,
			BirthDate:  r.BirthDate,
			Sex:        r.Sex,
			Pseudonyms: make([]patient.Pseudonym, len(r.Pseudonyms)),
		}
		for i, v := range r.Pseudonyms {
			row.Pseudonyms[i] = patient.Pseudonym{
				Type:       v.Type,
				Domain:     c.domain,
				KeyVersion: v.KeyVersion,
				Value:      v.Value,
				RecordedOn: v.RecordedOn,
			}
		}
		return each(number, row)
	})
}
