package config

import "bytes"

// Change is a setting with another value than before.
type Change struct {
	Name string
	// Restart reports that the running service cannot take over the new value.
	Restart bool
}

// Changes returns the settings that differ between the configuration of a running
// service and the one read again. Only settings read from files can differ: the
// environment of a process does not change.
func Changes(old, next Config) []Change {
	var out []Change
	note := func(same bool, name string, restart bool) {
		if !same {
			out = append(out, Change{name, restart})
		}
	}
	note(sameSecrets(old.SessionKeys, next.SessionKeys), "SLUIS_SESSION_KEY", false)
	note(old.TTP.Prepare.Secret.Reveal() == next.TTP.Prepare.Secret.Reveal(), "SLUIS_TTP_PREPARE_CLIENT_SECRET", false)
	note(old.TTP.Resolve.Secret.Reveal() == next.TTP.Resolve.Secret.Reveal(), "SLUIS_TTP_RESOLVE_CLIENT_SECRET", false)
	note(old.Database.Reveal() == next.Database.Reveal(), "SLUIS_DATABASE", true)
	note(old.FileMACKey.Reveal() == next.FileMACKey.Reveal(), "SLUIS_FILE_MAC_KEY", false)
	note(bytes.Equal(old.TTP.CA, next.TTP.CA), "SLUIS_TTP_CA_FILE", true)
	note(old.SMTP.Password.Reveal() == next.SMTP.Password.Reveal(), "SLUIS_SMTP_PASSWORD", true)
	note(bytes.Equal(old.SMTP.CA, next.SMTP.CA), "SLUIS_SMTP_CA_FILE", true)
	return out
}

func sameSecrets(a, b []Secret) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Reveal() != b[i].Reveal() {
			return false
		}
	}
	return true
}
