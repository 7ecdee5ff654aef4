package config

import "net/url"

// LoadDatabase reads only SLUIS_DATABASE, for the commands that need no more.
func LoadDatabase(environ []string) (Secret, error) {
	var faults Faults
	vars := ours(environ)
	readSecretFiles(vars, &faults)
	where := checkDatabase(vars["SLUIS_DATABASE"], &faults)
	if len(faults) > 0 {
		return Secret{}, faults
	}
	return where, nil
}

// LoadBaseURL reads only SLUIS_BASE_URL, for the commands that print a link.
func LoadBaseURL(environ []string) (*url.URL, error) {
	var faults Faults
	base := checkURL("SLUIS_BASE_URL", "https://sluis.example.nl", ours(environ)["SLUIS_BASE_URL"], true, &faults)
	if len(faults) > 0 {
		return nil, faults
	}
	return base, nil
}
