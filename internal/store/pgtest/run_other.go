//go:build !linux

package pgtest

import "errors"

// run is for Linux only: there the kernel stops a server whose process has died.
func run(string, string) (func(), error) {
	return nil, errors.New("the tests start PostgreSQL on Linux only")
}
