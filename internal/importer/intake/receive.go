package intake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
)

// Uploads stores files as they come in.
type Uploads interface {
	// CreateDelivery begins a delivery in state receiving.
	CreateDelivery(ctx context.Context, d delivery.New) (id int64, err error)
	// CreateDeliveryOnce is CreateDelivery for a request that may come more than once. If an
	// earlier request with the same key has a delivery, it returns that one. An earlier
	// upload that is not finished makes room: its sender gave up, or sends again.
	CreateDeliveryOnce(ctx context.Context, d delivery.New, r delivery.Request) (id int64, earlier delivery.Earlier, err error)
	// AppendBlock adds to an upload; apperr.NotFound if it was removed to make room for a newer one.
	AppendBlock(ctx context.Context, deliveryID int64, no int, sealed []byte) error
	// FinishUpload makes the upload safe: state received, with its event.
	FinishUpload(ctx context.Context, deliveryID int64, mac []byte, size int64, who audit.Who) error
	// DropUpload removes a delivery that is still in state receiving.
	DropUpload(ctx context.Context, deliveryID int64) error
}

// blockBytes is how much of an upload is in memory at once.
const blockBytes = 512 << 10

// Receive takes an upload from r to its end and seals it block by block. When
// it returns, the file is safe, and the workers do the rest. It answers apperr
// TooLarge or Invalid for a file that is too big or empty, and leaves nothing
// of an upload that breaks off. A request with a key that came before returns the
// delivery of that earlier request if the two are the same in all, and otherwise
// apperr.Conflict "idempotency_key_reused".
func (in *Intake) Receive(ctx context.Context, up Upload, r io.Reader) (publicID string, err error) {
	id7, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make a delivery id: %w", err)
	}
	publicID = id7.String()
	key, wrapped, keyID, err := in.keys.NewKey(publicID)
	if err != nil {
		return "", err
	}
	id, earlier, err := in.openUpload(ctx, up, delivery.New{
		PublicID: publicID, CentreID: up.Centre.ID, ProcessorID: up.ProcessorID, Filename: shorten(up.Filename), Mode: up.Mode, Via: up.Via,
		Confirmed: up.Confirmed, Repairs: up.Repairs, Dates: up.Dates, Who: up.Who, KeyID: keyID, WrappedKey: wrapped,
		At: in.now().UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return "", fmt.Errorf("open a delivery: %w", err)
	}
	if earlier.PublicID != "" {
		return in.again(up, earlier, r)
	}
	defer func() {
		if err != nil {
			if dropErr := in.ports.Uploads.DropUpload(context.WithoutCancel(ctx), id); dropErr != nil {
				in.log.ErrorContext(ctx, "drop a broken upload", "delivery", publicID, "err", dropErr)
			}
		}
	}()
	mac := in.fileMAC(up)
	no := 0
	size, err := in.blocks(r, func(block []byte) error {
		mac.Write(block)
		sealed, err := key.Seal(block, uploadPlace(no))
		if err != nil {
			return err
		}
		no++
		return in.ports.Uploads.AppendBlock(ctx, id, no-1, sealed)
	})
	if err == nil {
		err = in.ports.Uploads.FinishUpload(ctx, id, mac.Sum(nil), size, up.Who)
	}
	if up.Key != "" && apperr.KindOf(err) == apperr.NotFound {
		return "", apperr.Wrap(apperr.Conflict, "upload_superseded", err)
	}
	if err != nil {
		return "", fmt.Errorf("store an upload: %w", err)
	}
	return publicID, nil
}

// openUpload begins a delivery, once for each key.
func (in *Intake) openUpload(ctx context.Context, up Upload, d delivery.New) (int64, delivery.Earlier, error) {
	if up.Key == "" {
		id, err := in.ports.Uploads.CreateDelivery(ctx, d)
		return id, delivery.Earlier{}, err
	}
	return in.ports.Uploads.CreateDeliveryOnce(ctx, d, in.request(up))
}

// request is what is kept of a request: keyed hashes, since a key may say
// anything, and a file name too.
func (in *Intake) request(up Upload) delivery.Request {
	hash := func(parts ...string) (out [32]byte) {
		mac := hmac.New(sha256.New, *in.macKey.Load())
		for _, p := range parts {
			_, _ = fmt.Fprintf(mac, "%d|%s|", len(p), p)
		}
		copy(out[:], mac.Sum(nil))
		return out
	}
	asks := []string{"asks", string(up.Mode), strconv.FormatBool(up.Confirmed), up.Filename, up.Repairs}
	if up.Dates != "" {
		asks = append(asks, string(up.Dates))
	}
	return delivery.Request{
		Key:  hash("key", strconv.FormatInt(up.Centre.ID, 10), up.Who.Name, up.Key),
		Asks: hash(asks...),
	}
}

// again reads a request whose key came before, and returns the delivery of then.
func (in *Intake) again(up Upload, earlier delivery.Earlier, r io.Reader) (string, error) {
	mac := in.fileMAC(up)
	if _, err := in.blocks(r, func(block []byte) error { mac.Write(block); return nil }); err != nil {
		return "", err
	}
	if earlier.Asked != in.request(up).Asks || !hmac.Equal(earlier.FileMAC, mac.Sum(nil)) {
		return "", apperr.New(apperr.Conflict, "idempotency_key_reused")
	}
	return earlier.PublicID, nil
}

// fileMAC is the keyed hash by which a centre's file is known again.
func (in *Intake) fileMAC(up Upload) hash.Hash {
	mac := hmac.New(sha256.New, *in.macKey.Load())
	_, _ = fmt.Fprintf(mac, "file|%d|", up.Centre.ID)
	return mac
}

// blocks hands a file to take block by block, and returns its length.
func (in *Intake) blocks(r io.Reader, take func(block []byte) error) (size int64, err error) {
	buf := make([]byte, blockBytes)
	defer clear(buf)
	for {
		n, readErr := fill(r, buf)
		if size += int64(n); size > in.maxBytes {
			return size, apperr.New(apperr.TooLarge, "file_too_large")
		}
		if n > 0 {
			if err := take(buf[:n]); err != nil {
				return size, err
			}
		}
		switch {
		case readErr == io.EOF && size == 0: //nolint:errorlint // wrapped, or io.ErrUnexpectedEOF, it is an upload that broke off
			return 0, apperr.New(apperr.Invalid, "file_empty")
		case readErr == io.EOF: //nolint:errorlint // see above
			return size, nil
		case readErr != nil:
			return size, fmt.Errorf("read the upload: %w", readErr)
		}
	}
}

// fill reads until buf is full or r ends. Unlike io.ReadFull it passes r's own
// errors on as they are, so that a body that broke off is not taken for a whole
// one.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

func uploadPlace(no int) string { return "upload/" + strconv.Itoa(no) }

func shorten(name string) string {
	if r := []rune(name); len(r) > delivery.MaxFilename {
		return string(r[:delivery.MaxFilename])
	}
	return name
}
