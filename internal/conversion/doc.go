// Package conversion is the noun of the one-time conversion of the registry's old patient
// table: its mapping, runs, verifications, signed exceptions, erasures and proofs, and the
// gate before an erasure.
//
// It is shared by the half that sees identities (importer/oldtable), the half that never
// does (importer), the store and the pages. It holds no identity: of an old row it knows
// only the key.
package conversion
