package server

import "time"

// SetReadTimeout replaces the time that a request may take to come in, until the
// function that it returns is called.
func SetReadTimeout(d time.Duration) (restore func()) {
	was := readTimeout
	readTimeout = d
	return func() { readTimeout = was }
}
