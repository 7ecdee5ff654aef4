package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// Imports keeps the deliveries that are made of the TTP's datasets.
type Imports interface {
	// CreateDatasetDelivery stores a new delivery that a worker fetches from the TTP. If
	// one of the same dataset is under way, the error is apperr.Conflict
	// "dataset_under_way".
	CreateDatasetDelivery(ctx context.Context, d delivery.New) error
	// LatestImports returns the latest delivery of each dataset, with the event.
	LatestImports(ctx context.Context, who audit.Who, ids []string) (map[string]delivery.Delivery, error)
	CentreByNumber(ctx context.Context, number string) (account.Centre, error)
	Centres(ctx context.Context) ([]account.Centre, error)
}

// ReadySet is a dataset at the TTP, and its delivery here.
type ReadySet struct {
	patient.Dataset
	KnownCentre bool   // its centre is one of ours, so that it can be imported
	DeliveryID  string // public id of its latest delivery here; empty if there is none
	Under       bool   // that delivery is still under way
}

// codeUnavailable is the error of a person's act if the TTP does not answer.
const codeUnavailable = "ttp_unavailable"

// readySets reads the list of datasets at the TTP. Its source is nil if there is no such
// list.
type readySets struct{ source patient.Datasets }

// list returns the datasets that are at the TTP now.
func (r readySets) list(ctx context.Context) ([]patient.Dataset, error) {
	if r.source == nil {
		return nil, nil
	}
	sets, err := r.source.Datasets(ctx)
	if _, ok := errors.AsType[*patient.UnavailableError](err); ok {
		return nil, apperr.Wrap(apperr.Unavailable, codeUnavailable, err)
	}
	return sets, err
}

// find returns one dataset. If the TTP does not have it ready, the error is
// apperr.NotFound "dataset_gone".
func (r readySets) find(ctx context.Context, id string) (patient.Dataset, error) {
	sets, err := r.list(ctx)
	if err != nil {
		return patient.Dataset{}, err
	}
	i := slices.IndexFunc(sets, func(s patient.Dataset) bool { return s.ID == id && s.Ready })
	if i < 0 {
		return patient.Dataset{}, apperr.New(apperr.NotFound, "dataset_gone")
	}
	return sets[i], nil
}

// Datasets returns the datasets that are at the TTP, newest first, each with its latest
// delivery here.
func (d *Desk) Datasets(ctx context.Context, who audit.Who) ([]ReadySet, error) {
	sets, err := d.sets.list(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(sets, func(a, b patient.Dataset) int { return b.CreatedAt.Compare(a.CreatedAt) })
	ids := make([]string, len(sets))
	for i, s := range sets {
		ids[i] = s.ID
	}
	latest, err := d.imports.LatestImports(ctx, who, ids)
	if err != nil {
		return nil, err
	}
	centres, err := d.imports.Centres(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, c := range centres {
		known[c.Number] = true
	}
	out := make([]ReadySet, len(sets))
	for i, s := range sets {
		was := latest[s.ID]
		out[i] = ReadySet{
			Dataset:     s,
			KnownCentre: known[s.Centre],
			DeliveryID:  was.PublicID,
			Under:       was.PublicID != "" && !was.State.Final(),
		}
	}
	return out, nil
}

// ImportDataset creates a delivery of a dataset, for the centre that the TTP names. A
// worker fetches its rows. It returns the delivery's public id.
func (d *Desk) ImportDataset(ctx context.Context, who audit.Who, id string, mode delivery.Mode) (string, error) {
	set, err := d.sets.find(ctx, id)
	if err != nil {
		return "", err
	}
	centre, err := d.imports.CentreByNumber(ctx, set.Centre)
	if apperr.KindOf(err) == apperr.NotFound {
		return "", apperr.Wrap(apperr.NotFound, "dataset_centre_unknown", err)
	} else if err != nil {
		return "", err
	}
	publicID, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make a delivery id: %w", err)
	}
	_, wrapped, keyID, err := d.keys.NewKey(publicID.String())
	if err != nil {
		return "", err
	}
	who.CentreID = centre.ID
	err = d.imports.CreateDatasetDelivery(ctx, delivery.New{
		PublicID: publicID.String(), CentreID: centre.ID, Mode: mode, Via: who.Via, Who: who,
		KeyID: keyID, WrappedKey: wrapped, At: d.now(), DatasetID: set.ID,
	})
	if err != nil {
		return "", err
	}
	d.wake()
	return publicID.String(), nil
}
