//go:build !unix

package main

import "os"

// hangups returns a channel without signals, because this system has none for reading
// files again. A renewed certificate is noticed without it.
func hangups() (c <-chan os.Signal, stop func()) { return nil, func() {} }
