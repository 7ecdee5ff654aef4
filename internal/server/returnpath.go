package server

import (
	"net/url"
	"strings"
)

// home is where everything leads that does not say better.
const home = "/"

// returnPath gives a page of ours to go to after signing in, or home where given
// is not one.
func returnPath(given string) string {
	path := localPath(given)
	for _, prefix := range []string{"/inloggen", "/uitloggen", "/taal", "/api/", "/static/"} {
		if strings.HasPrefix(path, prefix) {
			return home
		}
	}
	return path
}

// localPath gives a path of ours, or home where given is not one. It must start
// with a single slash and hold nothing that a browser reads as another host: no
// second slash, no backslash, no control character.
func localPath(given string) string {
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
	// Decoded, it may look like another host to whatever stands between.
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
