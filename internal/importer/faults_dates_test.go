package importer_test

// dateFaults are the files of testdata/faults whose fault is in what a date is.
var dateFaults []faultyFile
