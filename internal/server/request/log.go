package request

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"sluis/internal/apperr"
)

// StorageRetry is how long a client is asked to wait if the storage is in trouble. An
// operator must act first.
const StorageRetry = time.Minute

// Failed is the one place where the error of a request becomes an answer, whatever the
// door. It logs err and returns it with the kind and code that the client is told. A
// full disk, for example, comes from deep down without a kind, and is 503
// storage_unavailable: nothing is wrong with the request, and it can be sent again.
func Failed(log *slog.Logger, w http.ResponseWriter, r *http.Request, err error) error {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case errors.Is(err, context.Canceled) && From(r.Context()).Stalled:
		// net/http ends the context of a request whose body it cannot read. Whatever was
		// under way then says that it was cancelled, although the client still listens.
		err = apperr.Wrap(apperr.Timeout, "client_stalled", errors.New("the client stopped sending"))
	case tooLarge:
		err = apperr.Wrap(apperr.TooLarge, "body_too_large", err)
	case apperr.KindOf(err) == apperr.Internal && apperr.IsStorage(err):
		err = apperr.Wrap(apperr.Unavailable, "storage_unavailable", err)
		w.Header().Set("Retry-After", strconv.Itoa(int(StorageRetry/time.Second)))
	}
	LogFailure(log, r, err)
	return err
}

// LogFailure logs once why r failed: kind and cause, nothing of the request
// itself. A client's own mistake is logged at level info.
func LogFailure(log *slog.Logger, r *http.Request, err error) {
	info := From(r.Context())
	level := slog.LevelInfo
	if apperr.Status(err) >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		level = slog.LevelInfo // the client went away
	}
	log.LogAttrs(r.Context(), level, "request failed",
		slog.String("request", info.ID), slog.String("via", string(info.Via)), slog.String("code", apperr.CodeOf(err)),
		slog.Any("cause", err))
}
