package config

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluis/internal/audit/alarm"
	"sluis/internal/certificate"
	"sluis/internal/filemode"
)

// minKeyBytes is the shortest key that is accepted.
const minKeyBytes = 32

// typeName matches the name of a pseudonym type.
var typeName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,31}$`)

// check turns the settings' text into values and adds a fault for each that does
// not fit.
func check(s settings, faults *Faults) Config {
	c := Config{
		Addr:        s.Addr,
		KeyringFile: s.KeyringFile,
		LinkType:    s.LinkType,
		TLSCertFile: s.TLSCertFile,
		TLSKeyFile:  s.TLSKeyFile,
	}
	if _, port, err := net.SplitHostPort(s.Addr); err != nil || port == "" {
		faults.Add("SLUIS_ADDR", "must be host:port, such as 127.0.0.1:8080")
	}
	c.BaseURL = checkURL("SLUIS_BASE_URL", "https://sluis.example.nl", s.BaseURL, true, faults)
	c.Database = checkDatabase(s.Database, faults)
	switch s.DisplayBirth {
	case "date", "year":
		c.BirthYearOnly = s.DisplayBirth == "year"
	case "":
		faults.Add("SLUIS_DISPLAY_BIRTH", "is missing; set it to date (keep birth dates) or year (keep only the year)")
	default:
		faults.Add("SLUIS_DISPLAY_BIRTH", "must be date or year")
	}
	checkSecondFactor(s, &c, faults)
	checkKeys(s, &c, faults)
	checkTTP(s, &c, faults)
	checkTypes(s, &c, faults)
	c.Workers = checkNumber("SLUIS_WORKERS", s.Workers, 64, faults)
	c.MaxFileBytes = int64(checkNumber("SLUIS_MAX_FILE_MB", s.MaxFileMB, 4096, faults)) << 20
	c.MaxRows = checkNumber("SLUIS_MAX_ROWS", s.MaxRows, 10_000_000, faults)
	c.MaxUploads = checkNumber("SLUIS_MAX_UPLOADS", s.MaxUploads, 1000, faults)
	c.ReportLife = time.Duration(checkNumber("SLUIS_REPORT_RETENTION", s.ReportDays, 3650, faults)) * 24 * time.Hour
	c.AuditHeadsDir = s.AuditHeadsDir
	c.AuditYears = checkNumber("SLUIS_AUDIT_RETENTION", s.AuditYears, 100, faults)
	c.LogReviewEvery = time.Duration(checkNumber("SLUIS_AUDIT_REVIEW_DAYS", s.AuditReviewDays, 366, faults)) * 24 * time.Hour
	c.Alarms = checkAlarms(s, faults)
	c.TrustedProxies = checkNetworks("SLUIS_TRUSTED_PROXIES", s.TrustedProxies,
		"so that anybody may say who they are; name your proxies", faults)
	checkSignOn(s, &c, faults)
	c.OldTable = checkOldTable("SLUIS_EXISTING_DSN", s.OldTableDSN, faults)
	c.EraseOldTable = checkOldTable("SLUIS_EXISTING_ERASE_DSN", s.EraseOldTableDSN, faults)
	checkPair("SLUIS_TLS_CERT_FILE", s.TLSCertFile, "SLUIS_TLS_KEY_FILE", s.TLSKeyFile, faults)
	checkTransport(&c, faults)
	c.MetricsAddr = checkMetrics(s.MetricsAddr, faults)
	checkClientCerts(s.ClientCerts, &c, faults)
	c.SMTP = checkSMTP(s, faults)
	return c
}

// mostAlarm is the highest limit of an alarm.
const mostAlarm = 1_000_000

// checkAlarms checks the limits of the alarms. 0 switches one off.
func checkAlarms(s settings, faults *Faults) alarm.Limits {
	var l alarm.Limits
	for _, x := range []struct {
		name, value string
		to          *int
	}{
		{"SLUIS_ALARM_VIEWS_HOUR", s.AlarmViewsHour, &l.ViewsHour}, {"SLUIS_ALARM_VIEWS_DAY", s.AlarmViewsDay, &l.ViewsDay},
		{"SLUIS_ALARM_ODD_VIEWS", s.AlarmOddViews, &l.OddViews}, {"SLUIS_ALARM_MISSES", s.AlarmMisses, &l.Misses},
		{"SLUIS_ALARM_SIGN_INS", s.AlarmSignIns, &l.SignIns}, {"SLUIS_ALARM_CENTRE_DAYS", s.AlarmCentreDays, &l.CentreDays},
	} {
		n, err := strconv.Atoi(x.value)
		if err != nil || n < 0 || n > mostAlarm {
			faults.Add(x.name, "must be a whole number from 0 (no such alarm) to %d", mostAlarm)
		}
		*x.to = n
	}
	first, last, _ := strings.Cut(s.AlarmHours, "-")
	var errs [2]error
	l.FirstHour, errs[0] = strconv.Atoi(first)
	l.LastHour, errs[1] = strconv.Atoi(last)
	if errors.Join(errs[:]...) != nil || l.FirstHour < 0 || l.LastHour > 24 || l.FirstHour >= l.LastHour {
		faults.Add("SLUIS_ALARM_HOURS", "must be the usual hours, such as 6-23: from 06:00 to 23:00")
	}
	return l
}

// checkSecondFactor reads what people need besides a password. Browsers make passkeys for a
// host name only, so that they cannot be required at an address.
func checkSecondFactor(s settings, c *Config, faults *Faults) {
	const name = "SLUIS_SECOND_FACTOR"
	c.SecondFactor = s.SecondFactor
	if !slices.Contains([]string{"required", "any", "optional"}, s.SecondFactor) {
		faults.Add(name, "must be required (a second factor for everyone, a passkey for roles that see all centres), "+
			"any (of any kind, for everyone) or optional (for rehearsals only)")
		return
	}
	if c.BaseURL == nil || s.SecondFactor != "required" {
		return
	}
	if net.ParseIP(c.BaseURL.Hostname()) != nil {
		faults.Add(name, "is required, but browsers make no passkeys for SLUIS_BASE_URL=%s: give it a host name, or set %s=any",
			shown(c.BaseURL), name)
	}
}

// checkDatabase checks that value names a database of one of the three kinds.
func checkDatabase(value string, faults *Faults) Secret {
	path, isFile := strings.CutPrefix(value, "sqlite:")
	switch {
	case value == unreadable:
	case value == "":
		faults.Add(
			"SLUIS_DATABASE",
			"is missing; set it to sqlite:PATH, postgres://USER:PASSWORD@HOST/NAME?sslmode=verify-full or "+
				"sqlserver://USER:PASSWORD@HOST?database=NAME&encrypt=true (or put that in a file named by SLUIS_DATABASE_FILE)",
		)
	case isFile && path == "":
		faults.Add("SLUIS_DATABASE", "names no file; write sqlite:PATH")
	case !isFile && !isPostgres(value) && !strings.HasPrefix(value, "sqlserver://"):
		faults.Add("SLUIS_DATABASE", "must start with sqlite:, postgres:// or sqlserver://")
	}
	checkPostgres("SLUIS_DATABASE", value, faults)
	checkSQLServer("SLUIS_DATABASE", value, faults)
	return NewSecret(value)
}

// checkOldTable checks that value is empty or names a database.
func checkOldTable(name, value string, faults *Faults) Secret {
	if value != "" && value != unreadable && !strings.HasPrefix(value, "sqlite:") && !strings.HasPrefix(value, "sqlserver://") {
		faults.Add(name, "must start with sqlite: or sqlserver://")
	}
	checkSQLServer(name, value, faults)
	return NewSecret(value)
}

// checkKeys reads the keys that are given in base64.
func checkKeys(s settings, c *Config, faults *Faults) {
	const how = "32 random bytes in base64, as `openssl rand -base64 32` makes them"
	if s.SessionKey == "" {
		faults.Add(
			"SLUIS_SESSION_KEY",
			"is missing; set it (or SLUIS_SESSION_KEY_FILE) to "+how+"; a new key comes first, before a comma and the old one",
		)
	} else if s.SessionKey != unreadable {
		for i, text := range strings.Split(s.SessionKey, ",") {
			if key, ok := decodeKey(text); ok {
				c.SessionKeys = append(c.SessionKeys, key)
			} else {
				faults.Add("SLUIS_SESSION_KEY", "key %d is not a good key; it must be %s", i+1, how)
			}
		}
	}
	switch key, ok := decodeKey(s.FileMACKey); {
	case s.FileMACKey == unreadable:
	case s.FileMACKey == "":
		faults.Add("SLUIS_FILE_MAC_KEY", "is missing; set it (or SLUIS_FILE_MAC_KEY_FILE) to "+how)
	case !ok:
		faults.Add("SLUIS_FILE_MAC_KEY", "is not a good key; it must be "+how)
	default:
		c.FileMACKey = key
	}
	if s.KeyringFile == "" {
		faults.Add(
			"SLUIS_KEYRING_FILE",
			"is missing; set it to the path of the file with the wrapping keys (Sluis makes the file if it does not exist yet)",
		)
	}
}

// decodeKey decodes a key from base64. It refuses a key that repeats one byte, which
// no random source makes.
func decodeKey(text string) (Secret, bool) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) < minKeyBytes || len(slices.Compact(slices.Clone(raw))) == 1 {
		return Secret{}, false
	}
	return NewSecret(string(raw)), true
}

// checkTTP reads the settings of the TTP.
func checkTTP(s settings, c *Config, faults *Faults) {
	allow, err := strconv.ParseBool(s.TTPSandbox)
	if err != nil {
		faults.Add("SLUIS_TTP_SANDBOX", "must be true or false")
	}
	c.TTP = TTP{
		AuthURL: checkURL("SLUIS_TTP_AUTH_URL", "https://auth.ttp.example.nl", s.TTPAuthURL, allow, faults),
		APIURL:  checkURL("SLUIS_TTP_API_URL", "https://api.ttp.example.nl", s.TTPAPIURL, allow, faults),
		Prepare: Credential{s.PrepareID, NewSecret(s.PrepareSecret), checkDay("SLUIS_TTP_PREPARE_SECRET_EXPIRES", s.PrepareEnds, faults)},
		Resolve: Credential{s.ResolveID, NewSecret(s.ResolveSecret), checkDay("SLUIS_TTP_RESOLVE_SECRET_EXPIRES", s.ResolveEnds, faults)},
		Calls:   checkNumber("SLUIS_TTP_CALLS", s.TTPCalls, 64, faults),
		Rows:    checkNumber("SLUIS_TTP_ROWS", s.TTPRows, 1000, faults),
		Domain:  s.TTPDomain,
		CAFile:  s.TTPCAFile, ClientCertFile: s.TTPCertFile, ClientKeyFile: s.TTPKeyFile,
		TemporaryLife: time.Duration(checkNumber("SLUIS_TTP_TEMPORARY_DAYS", s.TemporaryDays, 3650, faults)) * 24 * time.Hour,
		Sandbox:       allow,
	}
	for _, required := range []struct{ name, value, what string }{
		{"SLUIS_TTP_PREPARE_CLIENT_ID", s.PrepareID, "the OAuth2 client that may make temporary pseudonyms"},
		{"SLUIS_TTP_PREPARE_CLIENT_SECRET", s.PrepareSecret, "its secret (or name a file by SLUIS_TTP_PREPARE_CLIENT_SECRET_FILE)"},
		{"SLUIS_TTP_RESOLVE_CLIENT_ID", s.ResolveID, "the OAuth2 client that may make definitive pseudonyms"},
		{"SLUIS_TTP_RESOLVE_CLIENT_SECRET", s.ResolveSecret, "its secret (or name a file by SLUIS_TTP_RESOLVE_CLIENT_SECRET_FILE)"},
		{"SLUIS_TTP_DOMAIN", s.TTPDomain, "the name of the registry's pseudonym domain, as agreed with the TTP"},
	} {
		if required.value == "" {
			faults.Add(required.name, "is missing; set it to %s", required.what)
		}
	}
	if s.PrepareID != "" && s.PrepareID == s.ResolveID {
		faults.Add("SLUIS_TTP_RESOLVE_CLIENT_ID", "is the same as SLUIS_TTP_PREPARE_CLIENT_ID; the two roles need two clients at the TTP")
	}
	checkPair("SLUIS_TTP_CLIENT_CERT_FILE", s.TTPCertFile, "SLUIS_TTP_CLIENT_KEY_FILE", s.TTPKeyFile, faults)
	if s.TTPCAFile != "" {
		c.TTP.CA = checkCA("SLUIS_TTP_CA_FILE", s.TTPCAFile, faults)
	}
}

// checkURL checks that value is an https URL. If loopbackHTTP is set, it also accepts
// http to this machine.
func checkURL(name, example, value string, loopbackHTTP bool, faults *Faults) *url.URL {
	if value == "" {
		faults.Add(name, "is missing; set it to a URL such as %s", example)
		return nil
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		faults.Add(name, "is not a URL; write one such as %s", example)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		faults.Add(name, "must be a bare URL, without a user, a ? or a #, such as %s", example)
	case u.Scheme == "https":
	case u.Scheme == "http" && loopbackHTTP && loopback(u.Hostname()):
	case u.Scheme == "http" && loopback(u.Hostname()):
		faults.Add(name, "must start with https:// (http on this machine is for rehearsing with the sandbox: SLUIS_TTP_SANDBOX)")
	default:
		faults.Add(name, "must start with https://, such as %s", example)
	}
	return u
}

// loopback reports whether host is a loopback address. It accepts numbers only: a
// name such as localhost could be made to point elsewhere.
func loopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback()
	}
	return false
}

// checkTypes reads the pseudonym types.
func checkTypes(s settings, c *Config, faults *Faults) {
	c.Types = checkNames("SLUIS_PSEUDONYM_TYPES", s.Types, faults)
	if len(c.Types) == 0 {
		return
	}
	if !slices.Contains(c.Types, s.LinkType) {
		faults.Add("SLUIS_LINK_TYPE", "must be one of SLUIS_PSEUDONYM_TYPES: %s", strings.Join(c.Types, ", "))
	}
	if s.PostcodeTypes == "" {
		return
	}
	c.PostcodeTypes = checkNames("SLUIS_POSTCODE_TYPES", s.PostcodeTypes, faults)
	for _, t := range c.PostcodeTypes {
		switch {
		case !slices.Contains(c.Types, t):
			faults.Add("SLUIS_POSTCODE_TYPES", "names %s, which is not one of SLUIS_PSEUDONYM_TYPES: %s", t, strings.Join(c.Types, ", "))
		case t == s.LinkType:
			faults.Add("SLUIS_POSTCODE_TYPES", "names %s, the linking type; a pseudonym that changes with every move cannot link", t)
		}
	}
}

// checkNames returns the names of pseudonym types in value, or nil if one is wrong.
func checkNames(setting, value string, faults *Faults) []string {
	var names []string
	for _, t := range strings.Split(value, ",") {
		t = strings.TrimSpace(t)
		switch {
		case !typeName.MatchString(t):
			faults.Add(setting, "must be names in capitals with commas between them, such as NGGV,NGG")
			return nil
		case slices.Contains(names, t):
			faults.Add(setting, "names %s twice", t)
			return nil
		}
		names = append(names, t)
	}
	return names
}

// checkDay returns the date in value, or the zero time if value is empty.
func checkDay(name, value string, faults *Faults) time.Time {
	if value == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, value)
	if err != nil {
		faults.Add(name, "must be a date such as 2027-01-31")
	}
	return t
}

// checkNumber returns the whole number in value, which must be from 1 to high.
func checkNumber(name, value string, high int, faults *Faults) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > high {
		faults.Add(name, "must be a whole number from 1 to %d", high)
		return 1
	}
	return n
}

// checkSignOn reads how the providers are reached at which people sign in.
func checkSignOn(s settings, c *Config, faults *Faults) {
	c.SignOn = SignOn{
		SecretsDir: s.SignOnSecrets, CAFile: s.SignOnCAFile,
		Networks: checkNetworks("SLUIS_SIGNON_NETWORKS", s.SignOnNetworks, "also those inside; name the network of the provider", faults),
	}
	if info, err := os.Stat(s.SignOnSecrets); s.SignOnSecrets != "" && (err != nil || !info.IsDir()) {
		faults.Add("SLUIS_SIGNON_SECRETS_DIR", "is not a folder that this user can read; make it, with mode 0700, for this user")
	}
	if s.SignOnCAFile != "" {
		c.SignOn.CA = checkCA("SLUIS_SIGNON_CA_FILE", s.SignOnCAFile, faults)
	}
}

// checkNetworks returns the networks in value. A bare address is a network of one. what
// says why a network of everything is refused.
func checkNetworks(name, value, what string, faults *Faults) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }) {
		if p, err := netip.ParsePrefix(text); err == nil && p.Bits() == 0 {
			faults.Add(name, "names every address there is, %s", what)
			return nil
		} else if err == nil {
			out = append(out, p.Masked())
		} else if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		} else {
			faults.Add(name, "must be networks with commas between them, such as 10.0.0.0/8,192.168.1.7")
			return nil
		}
	}
	return out
}

// checkPair checks that a certificate and its key are both given and fit each other,
// or that neither is given.
func checkPair(certName, cert, keyName, key string, faults *Faults) {
	switch {
	case cert == "" && key == "":
	case cert == "":
		faults.Add(certName, "is missing, but %s is set; set both or neither", keyName)
	case key == "":
		faults.Add(keyName, "is missing, but %s is set; set both or neither", certName)
	default:
		if err := filemode.CheckGroup(key); err != nil {
			faults.Add(keyName, "names a file that is not secret: %s", err)
		}
		readable := checkFile(certName, cert, faults)
		if checkFile(keyName, key, faults) && readable {
			if _, err := certificate.Read(cert, key); err != nil {
				faults.Add(certName, "and %s cannot be used together: %s", keyName, strings.TrimPrefix(err.Error(), "tls: "))
			}
		}
	}
}

// checkCA returns the content of the file at path, which must hold certificates in PEM.
func checkCA(name, path string, faults *Faults) []byte {
	if !checkFile(name, path, faults) {
		return nil
	}
	raw, err := os.ReadFile(path)
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(raw) {
		faults.Add(name, "names a file without a certificate in PEM form")
	}
	return raw
}

// checkFile reports whether the file at path can be read, and adds a fault if not.
func checkFile(name, path string, faults *Faults) bool {
	f, err := os.Open(path)
	if err != nil {
		faults.Add(name, "names a file that cannot be read (%s); it must exist and be readable by this user", reason(err))
		return false
	}
	_ = f.Close()
	return true
}
