// Package intake is the half of the importer that may see identities: receive,
// detect, parse, check, seal, prepare. What leaves it is sealed, or is a
// temporary pseudonym.
//
// It never sees a definitive pseudonym, and nothing that it says or writes (an
// error, a finding, a log line) holds a value of a row.
package intake
