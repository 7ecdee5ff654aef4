package config

// LoadDatabase reads SLUIS_DATABASE alone, for the commands that need no more.
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
