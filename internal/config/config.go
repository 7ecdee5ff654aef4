// Package config holds what an operator sets: one struct, read from the environment
// (SLUIS_…, or SLUIS_…_FILE for a secret) and checked as a whole, so that one message
// names every fault.
//
// It opens only the files that settings name, and it never shows a secret: not in a
// fault, not in [Config.String].
package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"sluis/internal/audit/alarm"
)

// Config is a valid configuration.
type Config struct {
	Addr    string   // host:port to listen on
	BaseURL *url.URL // how browsers reach us; https, or http on loopback
	// Database is "sqlite:PATH", "postgres://…" or "sqlserver://…"; it may hold a password.
	Database Secret
	// BirthYearOnly means that only the year of a birth date is kept and shown.
	BirthYearOnly bool

	// SessionKeys sign the session cookie: the first signs, all verify.
	SessionKeys []Secret // raw bytes, 32 or more
	// FileMACKey is the key of the hash that recognises a file delivered before.
	FileMACKey Secret // raw bytes, 32 or more
	// KeyringFile holds the wrapping keys of sealed files and rows.
	KeyringFile string
	// SecondFactor is what people need besides a password: required, any or optional
	// (account.FactorPolicy).
	SecondFactor string
	// AuditHeadsDir is where signed heads of the access log are written; empty for
	// [DefaultHeads].
	AuditHeadsDir string
	// AuditYears is how long records of the access log are kept.
	AuditYears int
	// LogReviewEvery is how often the access log is to be reviewed.
	LogReviewEvery time.Duration
	// Alarms are the limits of the alarms about access, without a time zone.
	Alarms alarm.Limits

	TTP TTP
	// Types are the pseudonym types that are kept. LinkType is the one that decides
	// whether two rows are about the same person.
	Types    []string
	LinkType string
	// PostcodeTypes are those of Types that are derived from a postcode. A patient
	// has one such pseudonym for each day on which a postcode was valid. LinkType is
	// never one of them.
	PostcodeTypes []string

	Workers        int           // deliveries that this process works on at once
	MaxFileBytes   int64         // of one uploaded file
	MaxRows        int           // of one delivery
	ReportLife     time.Duration // how long a report's rows are kept after its delivery ended
	MaxUploads     int           // uploads of one centre at once, in this process
	TrustedProxies []netip.Prefix

	// OldTable is the registry's old patient table, with a login that may only read
	// it. EraseOldTable is the same table with a login that may erase it. Only the
	// commands `web existing …` use them. Both may hold a password.
	OldTable, EraseOldTable Secret

	// MetricsAddr is the address, not a public one, at which a monitor reads figures. If it
	// is empty, none can.
	MetricsAddr string

	SignOn SignOn

	// TLSCertFile and TLSKeyFile are both set or both empty. If they are empty, a
	// proxy in front of Sluis ends TLS.
	TLSCertFile, TLSKeyFile string
	// ClientCerts is how the client certificate of a script is known.
	ClientCerts string

	SMTP SMTP // how to send mail
}

// TTP is how to reach the Trusted Third Party.
type TTP struct {
	AuthURL, APIURL *url.URL
	// Prepare may turn identities into temporary pseudonyms, Resolve may turn
	// temporary pseudonyms into definitive ones. They are never the same client.
	Prepare, Resolve Credential
	Domain           string
	CAFile           string // certificate authority of the TTP; empty for the system's
	CA               []byte // content of CAFile
	// ClientCertFile and ClientKeyFile are both set (mTLS) or both empty.
	ClientCertFile, ClientKeyFile string
	// Calls is the number of calls for files that may be under way at once, and Rows
	// the number of rows in one call.
	Calls, Rows int
	// TemporaryLife is the lifetime assumed for a temporary pseudonym if the file does
	// not give its expiry.
	TemporaryLife time.Duration
	// Sandbox allows the TTP to be the sandbox, which invents its pseudonyms, also
	// over http on this machine. It is for rehearsals and never for production.
	Sandbox bool
}

// SignOn is how to reach the providers at which people sign in. Which providers there are,
// an administrator says on a page.
type SignOn struct {
	SecretsDir string // the folder of the files with clients' secrets; empty if there is none
	CAFile     string // certificate authority of the providers; empty for the system's
	CA         []byte // content of CAFile
	// Networks are those besides the public Internet in which a provider may be.
	Networks []netip.Prefix
}

// Credential is an OAuth2 client.
type Credential struct {
	ID      string
	Secret  Secret
	Expires time.Time // when the TTP stops accepting the secret; zero if unknown
}

// Secure reports whether browsers reach us over TLS.
func (c Config) Secure() bool { return c.BaseURL.Scheme == "https" }

// DefaultHeads returns the folder for heads of the access log if none is set: next to
// the keyring. Whoever can take the keys can change the heads there too, so it is second
// best.
func DefaultHeads(keyring string) string { return filepath.Join(filepath.Dir(keyring), "audit-heads") }

// AuditHeads returns the folder for heads of the access log.
func (c Config) AuditHeads() string {
	if c.AuditHeadsDir != "" {
		return c.AuditHeadsDir
	}
	return DefaultHeads(c.KeyringFile)
}

// DatabaseFile returns the path of the SQLite database, or "" for a server.
func (c Config) DatabaseFile() string {
	path, _ := strings.CutPrefix(c.Database.Reveal(), "sqlite:")
	if path == c.Database.Reveal() {
		return ""
	}
	return path
}

// DatabaseName returns a name of the database for the log: the absolute path of its
// file, or its server and name without the password.
func (c Config) DatabaseName() string {
	if path := c.DatabaseFile(); path != "" {
		if whole, err := filepath.Abs(path); err == nil {
			return whole
		}
		return path
	}
	u, err := url.Parse(c.Database.Reveal())
	if err != nil {
		return "SQL Server" // the error may quote the password
	}
	if isPostgres(c.Database.Reveal()) {
		return "PostgreSQL " + cmp.Or(u.Host, u.Query().Get("host")) + ", database " + strings.Trim(u.Path, "/")
	}
	return "SQL Server " + u.Host + u.Path + ", database " + u.Query().Get("database")
}

// String returns the settings, one a line with secrets masked, for the log at start.
func (c Config) String() string {
	var b strings.Builder
	line := settingLine(func(name string, value any) { fmt.Fprintf(&b, "%s=%v\n", name, value) })
	line("SLUIS_ADDR", c.Addr)
	line("SLUIS_BASE_URL", shown(c.BaseURL))
	line("SLUIS_DATABASE", c.Database)
	birth := "date"
	if c.BirthYearOnly {
		birth = "year"
	}
	line("SLUIS_DISPLAY_BIRTH", birth)
	line("SLUIS_SESSION_KEY", fmt.Sprintf("%s (%d)", masked, len(c.SessionKeys)))
	line("SLUIS_FILE_MAC_KEY", c.FileMACKey)
	line("SLUIS_KEYRING_FILE", c.KeyringFile)
	line("SLUIS_SECOND_FACTOR", c.SecondFactor)
	c.TTP.lines(line)
	line("SLUIS_PSEUDONYM_TYPES", strings.Join(c.Types, ","))
	line("SLUIS_LINK_TYPE", c.LinkType)
	line("SLUIS_POSTCODE_TYPES", strings.Join(c.PostcodeTypes, ","))
	line("SLUIS_WORKERS", c.Workers)
	line("SLUIS_MAX_FILE_MB", c.MaxFileBytes>>20)
	line("SLUIS_MAX_ROWS", c.MaxRows)
	line("SLUIS_MAX_UPLOADS", c.MaxUploads)
	line("SLUIS_REPORT_RETENTION", int(c.ReportLife/(24*time.Hour)))
	c.logLines(line)
	line("SLUIS_TRUSTED_PROXIES", networks(c.TrustedProxies))
	line("SLUIS_SIGNON_SECRETS_DIR", c.SignOn.SecretsDir)
	line("SLUIS_SIGNON_CA_FILE", c.SignOn.CAFile)
	line("SLUIS_SIGNON_NETWORKS", networks(c.SignOn.Networks))
	line("SLUIS_METRICS_ADDR", c.MetricsAddr)
	line("SLUIS_TLS_CERT_FILE", c.TLSCertFile)
	line("SLUIS_TLS_KEY_FILE", c.TLSKeyFile)
	line("SLUIS_CLIENT_CERTS", c.ClientCerts)
	c.SMTP.lines(line)
	if c.OldTable.IsSet() {
		line("SLUIS_EXISTING_DSN", c.OldTable)
	}
	if c.EraseOldTable.IsSet() {
		line("SLUIS_EXISTING_ERASE_DSN", c.EraseOldTable)
	}
	return b.String()
}

// settingLine writes one setting.
type settingLine func(name string, value any)

func (c TTP) lines(line settingLine) {
	line("SLUIS_TTP_AUTH_URL", shown(c.AuthURL))
	line("SLUIS_TTP_API_URL", shown(c.APIURL))
	line("SLUIS_TTP_PREPARE_CLIENT_ID", c.Prepare.ID)
	line("SLUIS_TTP_PREPARE_CLIENT_SECRET", c.Prepare.Secret)
	line("SLUIS_TTP_RESOLVE_CLIENT_ID", c.Resolve.ID)
	line("SLUIS_TTP_RESOLVE_CLIENT_SECRET", c.Resolve.Secret)
	line("SLUIS_TTP_PREPARE_SECRET_EXPIRES", day(c.Prepare.Expires))
	line("SLUIS_TTP_RESOLVE_SECRET_EXPIRES", day(c.Resolve.Expires))
	line("SLUIS_TTP_DOMAIN", c.Domain)
	line("SLUIS_TTP_CALLS", c.Calls)
	line("SLUIS_TTP_ROWS", c.Rows)
	line("SLUIS_TTP_TEMPORARY_DAYS", int(c.TemporaryLife/(24*time.Hour)))
	line("SLUIS_TTP_CA_FILE", c.CAFile)
	line("SLUIS_TTP_CLIENT_CERT_FILE", c.ClientCertFile)
	line("SLUIS_TTP_CLIENT_KEY_FILE", c.ClientKeyFile)
	if c.Sandbox {
		line("SLUIS_TTP_SANDBOX", "true (a rehearsal: NOT FOR PRODUCTION)")
	}
}

// logLines writes the settings of the access log and of its alarms.
func (c Config) logLines(line settingLine) {
	line("SLUIS_AUDIT_HEADS_DIR", c.AuditHeadsDir)
	line("SLUIS_AUDIT_RETENTION", c.AuditYears)
	line("SLUIS_AUDIT_REVIEW_DAYS", int(c.LogReviewEvery/(24*time.Hour)))
	line("SLUIS_ALARM_VIEWS_HOUR", c.Alarms.ViewsHour)
	line("SLUIS_ALARM_VIEWS_DAY", c.Alarms.ViewsDay)
	line("SLUIS_ALARM_HOURS", fmt.Sprintf("%d-%d", c.Alarms.FirstHour, c.Alarms.LastHour))
	line("SLUIS_ALARM_ODD_VIEWS", c.Alarms.OddViews)
	line("SLUIS_ALARM_MISSES", c.Alarms.Misses)
	line("SLUIS_ALARM_SIGN_INS", c.Alarms.SignIns)
	line("SLUIS_ALARM_CENTRE_DAYS", c.Alarms.CentreDays)
}

func (c SMTP) lines(line settingLine) {
	if !c.IsSet() {
		return
	}
	line("SLUIS_SMTP_ADDR", c.Addr)
	line("SLUIS_SMTP_TLS", c.TLS)
	line("SLUIS_SMTP_USER", c.User)
	line("SLUIS_SMTP_PASSWORD", c.Password)
	line("SLUIS_SMTP_CA_FILE", c.CAFile)
	line("SLUIS_MAIL_FROM", c.From)
}

// networks returns a list of networks as it is set.
func networks(list []netip.Prefix) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = p.String()
	}
	return strings.Join(words, ",")
}

// day returns t as a date, or "" if t is zero.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// shown returns u with a password in it masked.
func shown(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Redacted()
}

// ProductionReady reports whether c has no setting that is only for rehearsals.
func (c Config) ProductionReady() bool { return !c.TTP.Sandbox }
