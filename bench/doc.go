// Package bench measures the whole program. The built cmd/web is a child process that
// receives a file over HTTP and exchanges its rows with a sandbox TTP, which is another
// child process. The time is compared with the floor: the time that any such program
// needs at least (floor_test.go).
//
// The package has only benchmarks. `make bench` runs them and prints one table.
package bench
