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

// prefix is how every setting of Sluis begins.
const prefix = "SLUIS_"

// testPrefix is how a setting begins that only tests read.
const testPrefix = "SLUIS_TEST_"

// settings are the values as the environment has them. They are text here, because
// a parsing library repeats a wrong value in its error, and the value may be secret.
type settings struct {
	Addr             string `env:"SLUIS_ADDR" envDefault:"127.0.0.1:8080"`
	BaseURL          string `env:"SLUIS_BASE_URL"`
	Database         string `env:"SLUIS_DATABASE"`
	DisplayBirth     string `env:"SLUIS_DISPLAY_BIRTH"`
	SessionKey       string `env:"SLUIS_SESSION_KEY"`
	FileMACKey       string `env:"SLUIS_FILE_MAC_KEY"`
	KeyringFile      string `env:"SLUIS_KEYRING_FILE"`
	SecondFactor     string `env:"SLUIS_SECOND_FACTOR" envDefault:"required"`
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
	AuditHeadsDir    string `env:"SLUIS_AUDIT_HEADS_DIR"`
	AuditYears       string `env:"SLUIS_AUDIT_RETENTION" envDefault:"5"`
	AuditReviewDays  string `env:"SLUIS_AUDIT_REVIEW_DAYS" envDefault:"31"`
	AlarmViewsHour   string `env:"SLUIS_ALARM_VIEWS_HOUR" envDefault:"500"`
	AlarmViewsDay    string `env:"SLUIS_ALARM_VIEWS_DAY" envDefault:"2000"`
	AlarmHours       string `env:"SLUIS_ALARM_HOURS" envDefault:"6-23"`
	AlarmOddViews    string `env:"SLUIS_ALARM_ODD_VIEWS" envDefault:"25"`
	AlarmMisses      string `env:"SLUIS_ALARM_MISSES" envDefault:"20"`
	AlarmSignIns     string `env:"SLUIS_ALARM_SIGN_INS" envDefault:"50"`
	AlarmCentreDays  string `env:"SLUIS_ALARM_CENTRE_DAYS" envDefault:"90"`
	TrustedProxies   string `env:"SLUIS_TRUSTED_PROXIES"`
	MetricsAddr      string `env:"SLUIS_METRICS_ADDR"`
	SignOnSecrets    string `env:"SLUIS_SIGNON_SECRETS_DIR"`
	SignOnCAFile     string `env:"SLUIS_SIGNON_CA_FILE"`
	SignOnNetworks   string `env:"SLUIS_SIGNON_NETWORKS"`
	TLSCertFile      string `env:"SLUIS_TLS_CERT_FILE"`
	TLSKeyFile       string `env:"SLUIS_TLS_KEY_FILE"`
	OldTableDSN      string `env:"SLUIS_EXISTING_DSN"`
	EraseOldTableDSN string `env:"SLUIS_EXISTING_ERASE_DSN"`
	ClientCerts      string `env:"SLUIS_CLIENT_CERTS"`
	SMTPAddr         string `env:"SLUIS_SMTP_ADDR"`
	SMTPTLS          string `env:"SLUIS_SMTP_TLS" envDefault:"starttls"`
	SMTPUser         string `env:"SLUIS_SMTP_USER"`
	SMTPPassword     string `env:"SLUIS_SMTP_PASSWORD"`
	SMTPCAFile       string `env:"SLUIS_SMTP_CA_FILE"`
	SMTPFrom         string `env:"SLUIS_MAIL_FROM"`
}

// secrets are the settings that may be in a file instead, which NAME_FILE names.
var secrets = []string{
	"SLUIS_DATABASE", "SLUIS_SESSION_KEY", "SLUIS_FILE_MAC_KEY",
	"SLUIS_TTP_PREPARE_CLIENT_SECRET", "SLUIS_TTP_RESOLVE_CLIENT_SECRET", "SLUIS_EXISTING_DSN", "SLUIS_EXISTING_ERASE_DSN",
	"SLUIS_SMTP_PASSWORD",
}

// Faults is everything that is wrong with a configuration, one sentence for each
// fault. A sentence never repeats a value that may be secret.
type Faults []string

func (f Faults) Error() string {
	return fmt.Sprintf("the configuration has %d fault(s):\n  - %s", len(f), strings.Join(f, "\n  - "))
}

// Add adds a fault of the setting called name.
func (f *Faults) Add(name, format string, args ...any) {
	*f = append(*f, name+" "+fmt.Sprintf(format, args...))
}

// A Check adds faults that only the caller can find. In c, a setting that is faulty
// itself may be empty.
type Check func(c Config, faults *Faults)

// Load reads the configuration from an environment such as [os.Environ]. Its error
// is a [Faults] with all faults, including those that the checks in more add.
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

// Defaults returns the configuration of which nothing is set. It is not complete: what has
// no default is empty.
func Defaults() Config {
	var s settings
	_ = env.ParseWithOptions(&s, env.Options{Environment: map[string]string{}}) // cannot fail: all of them are text
	return check(s, &Faults{})
}

// ours returns the settings of Sluis, without the empty ones: many tools write
// "not set" as an empty variable.
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

// readSecretFiles sets NAME to the content of the file that NAME_FILE names.
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

// unreadable is the value of a secret whose file cannot be used. The fault is already
// reported, and this value keeps it from being reported as missing too.
const unreadable = "\x00"

// reason returns why a file cannot be read, without its path.
func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, os.ErrPermission):
		return "permission denied"
	}
	return "read error"
}

// reportUnknown adds a fault for each setting that nothing reads, most often a
// misspelt name of one that matters.
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

// Lookup returns one setting of an environment, for a command that needs no more.
func Lookup(environ []string, name string) (string, bool) {
	value, ok := ours(environ)[name]
	return value, ok
}
