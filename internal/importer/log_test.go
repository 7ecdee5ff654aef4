package importer

import (
	"errors"
	"fmt"
	"testing"
)

// TestStepErrorNamesItsDelivery checks that the line about a step that failed has the id by
// which people know the delivery, and that the cause is still found.
func TestStepErrorNamesItsDelivery(t *testing.T) {
	cause := errors.New("cause")
	err := error(&stepError{"01a2257d", fmt.Errorf("store: %w", cause)})
	if got := attributes(err); len(got) != 4 || got[0] != "delivery" || got[1] != "01a2257d" || got[3].(error).Error() != "store: cause" {
		t.Errorf("%v", got)
	}
	if !errors.Is(err, cause) || len(attributes(cause)) != 2 {
		t.Error("the cause is lost, or an error of no delivery has one")
	}
}
