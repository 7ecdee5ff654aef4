// Package importer brings rows into the registry. It never sees an identity: the part
// that may is importer/intake, which this package knows only as an interface.
//
// [Importer] has the workers. They take deliveries and chunks from the queue, resolve,
// decide and register. Every step is one transaction, fenced by a lease. If a process
// dies, another one finishes its deliveries with the same result.
//
// [Desk] is for people: they save, cancel and retry deliveries, import datasets, judge
// conflicts and enter single patients.
package importer
