// Package fhir reads patients from FHIR R4 in JSON: a Bundle, or a resource a
// line (NDJSON). Names follow nl-core: the person's own name with its own prefix,
// never a partner's.
//
// It returns the rows of package tabular, knows nothing of what becomes of them,
// and never reads the value of a BSN. There is no module for FHIR that could be
// used here, and of Patient no more is needed than the few fields below.
package fhir
