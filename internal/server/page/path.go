package page

import (
	"net/url"
	"strings"
)

// The pages that others link to.
const (
	PatientsPath   = "/patienten"
	DeliveriesPath = "/aanleveringen"
	ConflictsPath  = "/beoordelen"
	ConversionPath = "/migratie"
	ProofsPath     = ConversionPath + "/bewijzen"

	home = "/" // of whatever has no better page to lead to
)

// PatientPath is the page of a patient.
func PatientPath(id string) string { return PatientsPath + "/" + id }

// DeliveryPath is the page of a delivery.
func DeliveryPath(id string) string { return DeliveriesPath + "/" + id }

// Link is a path with those of its parameters that are not empty.
func Link(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// ReturnPath returns a page of ours to go to after signing in: the given one, or
// home if that is none.
func ReturnPath(given string) string {
	path := LocalPath(given)
	for _, prefix := range []string{"/inloggen", "/uitloggen", "/taal", "/api/", "/static/", "/account/sessie"} {
		if strings.HasPrefix(path, prefix) {
			return home
		}
	}
	return path
}

// LocalPath returns the given path, or home if it may not be one of ours. It must
// start with a single slash and have nothing that a browser reads as another host:
// no second slash, no backslash, no control character.
func LocalPath(given string) string {
	if len(given) > maxPath || !strings.HasPrefix(given, "/") || strings.HasPrefix(given, "//") {
		return home
	}
	if strings.ContainsFunc(given, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) {
		return home
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Fragment != "" {
		return home
	}
	// Decoded, it may look like another host to a proxy.
	if strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) || strings.Contains(u.Path, "/../") {
		return home
	}
	if path := u.RequestURI(); len(path) <= maxPath { // escaped, it may have grown
		return path
	}
	return home
}

// maxPath is the longest path that is gone back to, in bytes.
const maxPath = 500
