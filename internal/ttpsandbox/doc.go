// Package ttpsandbox is a stand-in for the Trusted Third Party: an http.Handler
// that speaks the wire contract over real HTTP, gives the findings that the real
// one gives, and makes pseudonyms that survive a restart. It is for the demo and
// for tests; the serving mode of the program refuses it.
//
// It imports nothing of ours, so that the client is tried against a second
// reading of the contract and not against itself. It keeps no identity: not in
// memory after the answer, not in a log line, not in an error, not in a file.
//
// How the pseudonyms are made is ours and not ZorgTTP's: see precursor.go. The
// prefix (tussenvoegsel) takes no part in them. Hospitals write "van den Berg"
// now as surname with a prefix and now without, and the seeds name the birth
// name (geboortenaam) as the ingredient; without the prefix both become BERG.
package ttpsandbox
