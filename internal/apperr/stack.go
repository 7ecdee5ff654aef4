package apperr

import (
	"fmt"
	"runtime"
	"strings"
)

// Stack returns the functions and lines of the stack of a panic, for the log. Unlike
// runtime/debug it leaves out the arguments, since one may be a value of a person. It
// is called by the deferred function that recovers.
func Stack() string {
	pcs := make([]uintptr, 40)
	stack := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var out []string
	for {
		f, more := stack.Next()
		if strings.HasPrefix(f.Function, "sluis/") {
			out = append(out, fmt.Sprintf("%s:%d", f.Function, f.Line))
		}
		if !more {
			return strings.Join(out, " < ")
		}
	}
}
