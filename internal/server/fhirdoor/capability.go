package fhirdoor

import (
	"net/http"

	"sluis/web/text"
)

// object is a part of a resource that is written only here.
type object map[string]any

// Metadata is GET /fhir/metadata: what this FHIR server can do.
func (d *Door) Metadata(w http.ResponseWriter, r *http.Request) error {
	return write(w, text.For(text.English), http.StatusOK, capabilities)
}

// published is the date of the last change of the capabilities.
const published = "2026-11-29"

var capabilities = object{
	"resourceType": "CapabilityStatement", "status": "active", "date": published, "kind": "instance",
	"software":       object{"name": "Sluis"},
	"implementation": object{"description": "Takes patients in for a healthcare quality registry, and tells which it refused and why."},
	"fhirVersion":    "4.0.1",
	"format":         []string{"json", mediaType},
	"rest": []object{{
		"mode": "server",
		"documentation": "POST a Bundle (batch, transaction, collection or searchset) to the base address. A transaction is treated " +
			"as a batch: good entries are stored even if others are refused, and each entry has its own status and OperationOutcome. " +
			"Nothing can be read back here.",
		"security": object{
			"cors":        false,
			"service":     []object{{"text": "Bearer"}},
			"description": "An API token of the centre's uploader, in the header Authorization: Bearer …",
		},
		"resource": []object{{
			"type":        "Patient",
			"interaction": []object{{"code": "create", "documentation": "The same patient number again updates the patient."}},
			"versioning":  "no-version",
			"readHistory": false, "updateCreate": false, "conditionalCreate": false,
		}},
		"interaction": []object{{"code": "batch"}, {"code": "transaction", "documentation": "Treated as a batch: not all or nothing."}},
	}},
}
