//go:build !linux && !darwin

package main

// freeSpace knows nothing about disks on this system.
func freeSpace(string) (bytes uint64, known bool) { return 0, false }
