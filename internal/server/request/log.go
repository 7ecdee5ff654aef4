package request

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"sluis/internal/apperr"
)

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
