package lease

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluis/internal/delivery"
)

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewed := 0
		var answer error
		ctx, stop := Keep(t.Context(), 3*time.Minute, time.Now, func(_ context.Context, until time.Time) error {
			if renewed++; !until.Equal(time.Now().Add(3 * time.Minute)) {
				t.Errorf("renewed until %s", until)
			}
			return answer
		})
		defer stop()
		answer = errors.New("the database is away")
		time.Sleep(2*time.Minute + time.Second)
		if renewed != 2 || ctx.Err() != nil {
			t.Fatalf("renewed %d times, want 2 (%v)", renewed, ctx.Err())
		}
		answer = delivery.ErrLost
		time.Sleep(time.Minute)
		if !errors.Is(context.Cause(ctx), delivery.ErrLost) {
			t.Errorf("cause = %v, want ErrLost", context.Cause(ctx))
		}
		time.Sleep(time.Hour)
		if renewed != 3 {
			t.Errorf("renewed %d times after the claim was lost", renewed-3)
		}
	})
}
