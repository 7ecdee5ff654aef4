package importer_test

// personFaults are the files of testdata/faults whose fault is in whom a row is about.
var personFaults []faultyFile
