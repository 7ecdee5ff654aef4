// Package filemode refuses a file with a secret in it that others on the machine can
// read, and says which command mends it.
//
// It never reads a file and never changes a mode.
package filemode

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// CheckOwner returns an error if anyone but the owner may do anything with the file.
func CheckOwner(path string) error { return check(path, 0o077) }

// CheckGroup returns an error if anyone but the owner and the group may do anything with
// the file. It is for secrets that another program puts there, such as Kubernetes, which
// makes the group of the service able to read them.
func CheckGroup(path string) error { return check(path, 0o007) }

// check compares the mode with what nobody may have. A file that is not there is not its
// concern, and Windows has no such modes.
func check(path string, forbidden fs.FileMode) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&forbidden == 0 {
		return nil //nolint:nilerr // whoever opens the file says so better
	}
	return fmt.Errorf("others on this machine can use %s (mode %04o); mend that with: chmod 600 %s", path, info.Mode().Perm(), path)
}
