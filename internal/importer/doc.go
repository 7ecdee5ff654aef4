// Package importer brings many rows into the registry: queue, resolve, decide,
// register, finish. It is the half that never sees an identity; the half that
// may is importer/intake, which this package knows only as an interface.
//
// Every step is one transaction fenced by a lease, so that a process that dies
// anywhere leaves a delivery that another one finishes with the same result.
package importer
