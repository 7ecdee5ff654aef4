// Package architecture holds no code: its tests read the source of the whole
// module and compare it with docs/architecture.md, whose tables are the rules.
//
// They read the files themselves and do not run "go list", because its output is
// not part of a test's cache key.
package architecture
