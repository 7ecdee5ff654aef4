//go:build !unix

package bench

import "time"

// processorTime returns 0: the measures are taken on Linux, elsewhere they only compile.
func processorTime() time.Duration { return 0 }
