package intake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sluis/internal/apperr"
	"sluis/internal/delivery"
)

// blockBytes is how much of an upload is in memory at once.
const blockBytes = 512 << 10

// maxFilename is the longest file name that is kept, in characters.
const maxFilename = 255

// Receive takes an upload from r to its end and seals it block by block. When
// it returns, the file is safe, and the workers do the rest. It answers apperr
// TooLarge or Invalid for a file that is too big or empty, and leaves nothing
// of an upload that breaks off.
func (in *Intake) Receive(ctx context.Context, up Upload, r io.Reader) (publicID string, err error) {
	id7, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make a delivery id: %w", err)
	}
	publicID = id7.String()
	key, wrapped, keyID, err := in.Keys.NewKey(publicID)
	if err != nil {
		return "", err
	}
	id, err := in.Store.OpenDelivery(ctx, delivery.New{
		PublicID: publicID, CentreID: up.Centre.ID, Filename: shorten(up.Filename), Mode: up.Mode, Via: up.Via,
		Confirmed: up.Confirmed, Repairs: up.Repairs, Who: up.Who, KeyID: keyID, WrappedKey: wrapped, At: in.Now().UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return "", fmt.Errorf("open a delivery: %w", err)
	}
	defer func() {
		if err != nil {
			if dropErr := in.Store.DropUpload(context.WithoutCancel(ctx), id); dropErr != nil {
				in.Log.ErrorContext(ctx, "drop a broken upload", "delivery", publicID, "err", dropErr)
			}
		}
	}()

	mac := hmac.New(sha256.New, in.MACKey)
	_, _ = fmt.Fprintf(mac, "file|%d|", up.Centre.ID)
	buf := make([]byte, blockBytes)
	defer clear(buf)
	var size int64
	for no := 0; ; no++ {
		n, readErr := fill(r, buf)
		if size += int64(n); size > in.MaxBytes {
			return "", apperr.New(apperr.TooLarge, "file_too_large")
		}
		if n > 0 {
			mac.Write(buf[:n])
			sealed, err := key.Seal(buf[:n], uploadPlace(no))
			if err != nil {
				return "", err
			}
			if err := in.Store.AppendBlock(ctx, id, no, sealed); err != nil {
				return "", fmt.Errorf("store upload block %d: %w", no, err)
			}
		}
		if readErr == io.EOF { //nolint:errorlint // wrapped, or io.ErrUnexpectedEOF, it is an upload that broke off
			break
		}
		if readErr != nil {
			return "", fmt.Errorf("read the upload: %w", readErr)
		}
	}
	if size == 0 {
		return "", apperr.New(apperr.Invalid, "file_empty")
	}
	if err := in.Store.FinishUpload(ctx, id, mac.Sum(nil), size, up.Who); err != nil {
		return "", fmt.Errorf("finish an upload: %w", err)
	}
	return publicID, nil
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
	if r := []rune(name); len(r) > maxFilename {
		return string(r[:maxFilename])
	}
	return name
}
