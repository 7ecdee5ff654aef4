// Package ttpclient is what the two TTP clients have in common: transport,
// token, retries, and the exchange that pairs an answer with its row.
//
// It is written for a TTP that cannot be trusted to answer well. An answer is
// matched with its row by ref and by nothing else. An answer whose count, refs or
// shape do not fit the question is not used, not even in part. No error and no log
// line of this package holds a value of a row or a piece of a request or answer.
//
// It imports no identity and keeps no pseudonym. Package prepare is the care
// provider's side of it and package resolve the registry's. Each has a Client of its
// own with its own credential. Everything that the TTP's own documents
// will change one day (paths, field names, codes, texts) is in wire.go.
package ttpclient
