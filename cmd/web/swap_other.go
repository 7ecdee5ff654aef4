//go:build !linux

package main

// checkSwap cannot know.
func checkSwap(l *checklist) {
	l.care("swap", "not known on this system", "encrypt the page file: names are in memory for a moment")
}
