// Package bench measures the whole program: the built cmd/web as a child process
// that receives a file over HTTP and brings it through a sandbox TTP that is
// another child process, beside the floor under any such program (floor_test.go).
//
// It holds benchmarks alone; `make bench` runs them and prints one table.
package bench
