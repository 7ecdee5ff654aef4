package importer_test

// numberFaults are the files of testdata/faults whose fault is in what a patient number is.
var numberFaults []faultyFile
