package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"sluis/internal/filemode"
)

// prefix starts every setting of ours.
const prefix = "SLUIS_"

// testPrefix starts what only the tests read.
const testPrefix = "SLUIS_TEST_"

// settings are the values as they stand in the environment. They are text here,
// because the faults of a parsing library repeat the value, and that may be a
// secret.
type settings struct {
	Addr             string `env:"SLUIS_ADDR" envDefault:"127.0.0.1:8080"`
	BaseURL          string `env:"SLUIS_BASE_URL"`
	Database         string `env:"SLUIS_DATABASE"`
	DisplayBirth     string `env:"SLUIS_DISPLAY_BIRTH"`
	SessionKey       string `env:"SLUIS_SESSION_KEY"`
	FileMACKey       string `env:"SLUIS_FILE_MAC_KEY"`
	KeyringFile      string `env:"SLUIS_KEYRING_FILE"`
	TTPAuthURL       string `env:"SLUIS_TTP_AUTH_URL"`
	TTPAPIURL        string `env:"SLUIS_TTP_API_URL"`
	PrepareID        string `env:"SLUIS_TTP_PREPARE_CLIENT_ID"`
	PrepareSecret    string `env:"SLUIS_TTP_PREPARE_CLIENT_SECRET"`
	ResolveID        string `env:"SLUIS_TTP_RESOLVE_CLIENT_ID"`
	ResolveSecret    string `env:"SLUIS_TTP_RESOLVE_CLIENT_SECRET"`
	TTPDomain        string `env:"SLUIS_TTP_DOMAIN"`
	TTPCAFile        string `env:"SLUIS_TTP_CA_FILE"`
	TTPCertFile      string `env:"SLUIS_TTP_CLIENT_CERT_FILE"`
	TTPKeyFile       string `env:"SLUIS_TTP_CLIENT_KEY_FILE"`
	PrepareEnds      string `env:"SLUIS_TTP_PREPARE_SECRET_EXPIRES"`
	ResolveEnds      string `env:"SLUIS_TTP_RESOLVE_SECRET_EXPIRES"`
	TTPCalls         string `env:"SLUIS_TTP_CALLS" envDefault:"4"`
	TTPRows          string `env:"SLUIS_TTP_ROWS" envDefault:"500"`
	TemporaryDays    string `env:"SLUIS_TTP_TEMPORARY_DAYS" envDefault:"14"`
	TTPSandbox       string `env:"SLUIS_TTP_SANDBOX" envDefault:"false"`
	Types            string `env:"SLUIS_PSEUDONYM_TYPES" envDefault:"NGGV,NGG"`
	LinkType         string `env:"SLUIS_LINK_TYPE" envDefault:"NGGV"`
	PostcodeTypes    string `env:"SLUIS_POSTCODE_TYPES"`
	Workers          string `env:"SLUIS_WORKERS" envDefault:"2"`
	MaxFileMB        string `env:"SLUIS_MAX_FILE_MB" envDefault:"100"`
	MaxRows          string `env:"SLUIS_MAX_ROWS" envDefault:"200000"`
	MaxUploads       string `env:"SLUIS_MAX_UPLOADS" envDefault:"4"`
	ReportDays       string `env:"SLUIS_REPORT_RETENTION" envDefault:"90"`
	TrustedProxies   string `env:"SLUIS_TRUSTED_PROXIES"`
	TLSCertFile      string `env:"SLUIS_TLS_CERT_FILE"`
	TLSKeyFile       string `env:"SLUIS_TLS_KEY_FILE"`
	OldTableDSN      string `env:"SLUIS_EXISTING_DSN"`
	EraseOldTableDSN string `env:"SLUIS_EXISTING_ERASE_DSN"`
}

// secrets may stand in a file instead: then NAME_FILE names it.
var secrets = []string{
	"SLUIS_DATABASE", "SLUIS_SESSION_KEY", "SLUIS_FILE_MAC_KEY",
	"SLUIS_TTP_PREPARE_CLIENT_SECRET", "SLUIS_TTP_RESOLVE_CLIENT_SECRET", "SLUIS_EXISTING_DSN", "SLUIS_EXISTING_ERASE_DSN",
}

// Faults is everything that is wrong with a configuration, a sentence each. It
// never repeats the value of a setting that may be secret.
type Faults []string

func (f Faults) Error() string {
	return fmt.Sprintf("the configuration has %d fault(s):\n  - %s", len(f), strings.Join(f, "\n  - "))
}

// Add notes a fault of a setting.
func (f *Faults) Add(name, format string, args ...any) {
	*f = append(*f, name+" "+fmt.Sprintf(format, args...))
}

// Check adds the faults that only the caller can find. Settings that are faulty
// themselves may be empty in c.
type Check func(c Config, faults *Faults)

// Load reads the configuration out of an environment such as [os.Environ]. The
// error is a [Faults] with all that is wrong, also by the checks in more.
func Load(environ []string, more ...Check) (Config, error) {
	var faults Faults
	vars := ours(environ)
	readSecretFiles(vars, &faults)
	reportUnknown(vars, &faults)
	var s settings
	if err := env.ParseWithOptions(&s, env.Options{Environment: vars}); err != nil {
		return Config{}, errors.New("the settings cannot be read") // cannot happen: all of them are text
	}
	c := check(s, &faults)
	for _, m := range more {
		m(c, &faults)
	}
	if len(faults) > 0 {
		return Config{}, faults
	}
	return c, nil
}

// ours keeps the settings that are Sluis's, without the empty ones: an empty
// variable is how many tools write "not set".
func ours(environ []string) map[string]string {
	all := env.ToMap(environ)
	maps.DeleteFunc(all, func(name, value string) bool {
		return !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, testPrefix) || strings.TrimSpace(value) == ""
	})
	for name, value := range all {
		all[name] = strings.TrimSpace(value)
	}
	return all
}

// readSecretFiles puts the content of NAME_FILE in the place of NAME.
func readSecretFiles(vars map[string]string, faults *Faults) {
	for _, name := range secrets {
		path, ok := vars[name+"_FILE"]
		if !ok {
			continue
		}
		delete(vars, name+"_FILE")
		if _, both := vars[name]; both {
			faults.Add(name, "and %s_FILE are both set; leave one of them out", name)
			continue
		}
		content, err := os.ReadFile(path)
		if mode := filemode.CheckGroup(path); mode != nil && err == nil {
			faults.Add(name+"_FILE", "names a file that is not secret: %s", mode)
		}
		switch {
		case err != nil:
			faults.Add(name+"_FILE", "names a file that cannot be read (%s); it must exist and be readable by this user", reason(err))
			vars[name] = unreadable
		case strings.TrimSpace(string(content)) == "":
			faults.Add(name+"_FILE", "names a file that is empty; put the value in it, on one line")
			vars[name] = unreadable
		default:
			vars[name] = strings.TrimSpace(string(content))
		}
	}
}

// unreadable stands for a secret whose file was already reported, so that it is
// not reported as missing too.
const unreadable = "\x00"

// reason is why a file cannot be read, without its path.
func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, os.ErrPermission):
		return "permission denied"
	}
	return "read error"
}

// reportUnknown finds settings that nobody reads: most often a typing error in
// one that matters.
func reportUnknown(vars map[string]string, faults *Faults) {
	fields, err := env.GetFieldParams(&settings{})
	if err != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if !slices.ContainsFunc(fields, func(f env.FieldParams) bool { return f.Key == name }) {
			faults.Add(name, "is not a setting of Sluis; look for a typing error (docs/operations.md lists them)")
		}
	}
}

// Lookup gives one setting of an environment, for a command that needs no more.
func Lookup(environ []string, name string) (string, bool) {
	value, ok := ours(environ)[name]
	return value, ok
}
