//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups returns a channel of the signals that ask a service to read its files again.
// Until stop is called, SIGHUP does not end the process.
func hangups() (c <-chan os.Signal, stop func()) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGHUP)
	return got, func() { signal.Stop(got) }
}
