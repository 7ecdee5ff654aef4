// Package ttpsandbox is a stand-in for the Trusted Third Party. It is an
// http.Handler that speaks the wire contract over real HTTP, returns the findings
// that the real TTP returns, and makes pseudonyms that survive a restart. It is for
// the demonstration and for tests; the serving mode of the program refuses it.
//
// It imports nothing else of Sluis, so that the client is tested with a second
// reading of the contract and not with itself. It keeps no identity: not in memory
// after the answer, not in a log line, not in an error, not in a file.
//
// The way in which pseudonyms are made is our own and not ZorgTTP's: see
// precursor.go. The prefix (tussenvoegsel) takes no part in them. Some hospitals
// deliver "van den Berg" with a prefix of its own and some without, and the seeds
// name the birth name (geboortenaam) as the ingredient. Without the prefix both
// become BERG.
package ttpsandbox
