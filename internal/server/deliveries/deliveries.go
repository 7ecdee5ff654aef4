// Package deliveries is the pages about deliveries: the list, the upload form,
// the columns, one delivery with its progress, its error report, repairs, and the
// datasets that are fetched from the TTP.
//
// It passes files on as streams and shows what became of them; it parses none and
// stores none.
package deliveries

import (
	"context"
	"io"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/maintenance"
	"sluis/internal/server/page"
	"sluis/internal/server/upload"
)

// Records reads deliveries. Every read but that of Delivery is in the access log
// when it returns. A foreign delivery and one that does not exist are both
// apperr.NotFound.
type Records interface {
	Deliveries(ctx context.Context, who audit.Who, scope account.Scope, q delivery.Query) (delivery.Page, error)
	ViewDelivery(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (delivery.Delivery, error)
	// Delivery is not logged: it follows the progress of a delivery after its page was.
	Delivery(ctx context.Context, scope account.Scope, publicID string) (delivery.Delivery, error)
	// Ahead counts the deliveries of the same centre that go before d.
	Ahead(ctx context.Context, d delivery.Delivery) (int, error)
	Causes(ctx context.Context, d delivery.Delivery) ([]delivery.Cause, error)
	Findings(ctx context.Context, d delivery.Delivery, q delivery.FindingQuery) (delivery.FindingPage, error)
	// Repairs returns what a delivery repairs, and what repairs it.
	Repairs(ctx context.Context, scope account.Scope, d delivery.Delivery) (delivery.Repairs, error)
	RecordReport(ctx context.Context, who audit.Who, d delivery.Delivery, format string) error
}

// Receiver takes in a file. It reads r to its end as a stream; when it returns
// the file is safe, and a worker parses it. Errors: apperr.TooLarge
// "file_too_large", apperr.Invalid "file_empty".
type Receiver interface {
	Receive(ctx context.Context, up intake.Upload, r io.Reader) (publicID string, err error)
}

// Columns knows what a file holds if Sluis did not recognise its columns, and takes
// over what a user says of them.
type Columns interface {
	// Preview shows the file without a name in it; apperr.Conflict
	// "delivery_not_mapping" if the delivery does not wait for its columns.
	Preview(ctx context.Context, scope account.Scope, publicID string, where columns.Where) (columns.Preview, error)
	// Assign says why an assignment cannot be right, or lets the delivery go on.
	Assign(ctx context.Context, who audit.Who, scope account.Scope, publicID string, a delivery.Assignment, keep bool) ([]delivery.Remark,
		error)
	// Describe lists the columns of a kind of file.
	Describe(kind delivery.Kind, centre string) []columns.Described
	// Remembered counts the headers that a centre assigned; Forget forgets them.
	Remembered(ctx context.Context, centreID int64) (int, error)
	Forget(ctx context.Context, who audit.Who, centreID int64) error
}

// Desk acts on a delivery for a person, and imports datasets of the TTP.
type Desk interface {
	// Save stores what was checked; apperr.Conflict "delivery_not_waiting".
	Save(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// Cancel stops before anything is registered; apperr.Conflict "delivery_not_cancellable".
	Cancel(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// RetryNow wakes a paused delivery.
	RetryNow(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// Datasets lists the sets that are ready at the TTP, and logs who looked;
	// apperr.Unavailable "ttp_unavailable".
	Datasets(ctx context.Context, who audit.Who) ([]importer.ReadySet, error)
	// ImportDataset starts the import of one as a delivery of the centre that the TTP
	// names. apperr.NotFound if the TTP has no such set, or its centre is not ours;
	// apperr.Conflict "dataset_under_way" if it is being imported already.
	ImportDataset(ctx context.Context, who audit.Who, id string, mode delivery.Mode) (publicID string, err error)
}

// Options is what the handlers need.
type Options struct {
	Now      func() time.Time
	Records  Records
	Receiver Receiver
	Columns  Columns
	Desk     Desk
	Door     *upload.Door // of the upload form
	MaxRows  int
	Types    []string      // the pseudonym types that are kept
	BusyWait time.Duration // how long an answer waits for the result; never if not positive
	// Plan returns announced maintenance; nil for none.
	Plan func(ctx context.Context) (maintenance.Plan, error)
}

// Handlers are those of the pages about deliveries.
type Handlers struct {
	o     Options
	forms *formKeys // upload forms that were sent
	// streams are the progress streams that are open.
	streams streams
}

// New makes the handlers.
func New(o Options) *Handlers {
	return &Handlers{o: o, forms: newFormKeys(o.Now), streams: streams{open: map[int64]int{}}}
}

const newPath = page.DeliveriesPath + "/nieuw"
