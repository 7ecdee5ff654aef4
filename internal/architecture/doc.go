// Package architecture holds no code: its tests read the imports and the use of
// identities in the whole module, and fail where a wall of docs/architecture.md
// is broken. They read the files themselves, because what "go list" says is not
// part of a test's cache key.
package architecture
