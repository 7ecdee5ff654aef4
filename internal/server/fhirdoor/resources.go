package fhirdoor

import "strings"

// The systems of our own codes.
const (
	findingSystem = "urn:sluis:finding"
	problemSystem = "urn:sluis:problem"
	statusSystem  = "urn:sluis:status"
)

// operationOutcome is FHIR's resource for what went well or wrong.
type operationOutcome struct {
	ResourceType string  `json:"resourceType"`
	Issue        []issue `json:"issue"`
}

type issue struct {
	Severity    string   `json:"severity"`
	Code        string   `json:"code"`
	Details     *concept `json:"details,omitempty"`
	Diagnostics string   `json:"diagnostics,omitempty"`
	Expression  []string `json:"expression,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

type coding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

func outcomeOf(issues ...issue) *operationOutcome {
	return &operationOutcome{ResourceType: "OperationOutcome", Issue: issues}
}

func detail(system, code, text string) *concept {
	return &concept{Coding: []coding{{system, code}}, Text: text}
}

// bundle is the answer to a Bundle.
type bundle struct {
	ResourceType string  `json:"resourceType"`
	Type         string  `json:"type"`
	Entry        []entry `json:"entry"`
}

type entry struct {
	Response response `json:"response"`
}

type response struct {
	Status  string            `json:"status"`
	Outcome *operationOutcome `json:"outcome,omitempty"`
}

// bundleTypes are the types of Bundles that are taken, and those of their answers.
// searchset is what people save of another server.
var bundleTypes = map[string]string{
	"batch": "batch-response", "transaction": "transaction-response", "collection": "batch-response", "searchset": "batch-response",
}

// elements are the elements of a Patient in which the fields of a finding are.
var elements = map[string]string{
	"patientNumber": "identifier", "birthDate": "birthDate", "birthYear": "birthDate", "sex": "gender", "surname": "name.family",
	"surnamePrefix": "name.family", "initials": "name.given", "email": "telecom", "postcode": "address.postalCode",
	"houseNumber": "address.line", "houseNumberSuffix": "address.line", "recordedOn": "address.period.start",
	"expiresAt": "identifier.period.end", "bsn": "identifier",
}

// expression points at the field of a resource. A field that is in no element, such as
// a whole row, is the resource itself; a pseudonym type, such as NGGV, is an identifier.
func expression(resource, field string) string {
	if element, ok := elements[field]; ok {
		return resource + "." + element
	}
	if field != "" && field == strings.ToUpper(field) {
		return resource + ".identifier"
	}
	return resource
}
