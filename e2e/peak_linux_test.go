package e2e

import (
	"os/exec"
	"syscall"
)

// peakOf returns the most memory that a process took, in kB.
func peakOf(cmd *exec.Cmd) int64 {
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss
	}
	return 0
}
