package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// refuseDumps keeps the memory of the program, in which there are names for a moment, out
// of core dumps and away from debuggers of the same user.
func refuseDumps() error {
	return errors.Join(unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0), unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}))
}
