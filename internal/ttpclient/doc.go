// Package ttpclient is what the two TTP clients have in common: transport,
// token, retries, and the exchange that pairs an answer with its row.
//
// It is written for a TTP that cannot be trusted to answer well. An answer is
// matched by ref and by nothing else; one that does not fit in count, refs or
// shape is not used, not even in part. Nothing that it says or logs (an error, a
// log line) holds a value of a row or a piece of a body in either direction.
//
// It imports no identity and keeps no pseudonym. Package prepare holds the
// provider's side of it, package resolve the registry's; a program gives each
// its own Client with its own credential. What the TTP's own documents will
// change one day (paths, field names, codes, texts) stands in wire.go.
package ttpclient
