package config_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/config"
)

const canary = "Kanariepiet"

func key(b byte) string {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = b + byte(i)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// good is a complete configuration.
func good() map[string]string {
	return map[string]string{
		"SLUIS_BASE_URL":                  "https://sluis.example.nl",
		"SLUIS_DATABASE":                  "sqlserver://sluis:" + canary + "@db?database=sluis&encrypt=true",
		"SLUIS_DISPLAY_BIRTH":             "year",
		"SLUIS_SESSION_KEY":               key(1) + "," + key(2),
		"SLUIS_FILE_MAC_KEY":              key(3),
		"SLUIS_KEYRING_FILE":              "/etc/sluis/keyring",
		"SLUIS_TTP_AUTH_URL":              "https://auth.ttp.example.nl",
		"SLUIS_TTP_API_URL":               "https://api.ttp.example.nl/pseudo",
		"SLUIS_TTP_PREPARE_CLIENT_ID":     "intake",
		"SLUIS_TTP_PREPARE_CLIENT_SECRET": canary + "1",
		"SLUIS_TTP_RESOLVE_CLIENT_ID":     "registry",
		"SLUIS_TTP_RESOLVE_CLIENT_SECRET": canary + "2",
		"SLUIS_TTP_DOMAIN":                "qrns",
	}
}

func environ(vars map[string]string) []string {
	var out []string
	for name, value := range vars {
		out = append(out, name+"="+value)
	}
	return append(out, "PATH=/bin", "SLUIS_TEST_SQLSERVER_DSN=whatever")
}

func TestLoad(t *testing.T) {
	vars := good()
	vars["SLUIS_TRUSTED_PROXIES"] = "10.1.2.3/8, 192.168.1.7"
	c, err := config.Load(environ(vars))
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.Workers != 2 || c.TTP.Calls != 4 || c.TTP.Rows != 500 ||
		c.MaxFileBytes != 100<<20 || c.MaxRows != 200_000 || c.ReportLife != 90*24*time.Hour {
		t.Errorf("defaults: %s", c)
	}
	if !c.Secure() || !c.BirthYearOnly || !c.ProductionReady() {
		t.Errorf("secure %v, year %v, production %v", c.Secure(), c.BirthYearOnly, c.ProductionReady())
	}
	if len(c.SessionKeys) != 2 || len(c.SessionKeys[0].Reveal()) != 32 || c.SessionKeys[0].Reveal()[0] != 1 {
		t.Error("the session keys are not those that were given, in their order")
	}
	if !slices.Equal(c.Types, []string{"NGGV", "NGG"}) || c.LinkType != "NGGV" {
		t.Errorf("types %v, link %s", c.Types, c.LinkType)
	}
	if fmt.Sprint(c.TrustedProxies) != "[10.0.0.0/8 192.168.1.7/32]" {
		t.Errorf("proxies %v", c.TrustedProxies)
	}
	if c.TTP.Prepare.Secret.Reveal() != canary+"1" || c.TTP.Resolve.Secret.Reveal() != canary+"2" {
		t.Error("the TTP's secrets are mixed up")
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	c, err := config.Load(environ(good()))
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "config", c, "ttp", c.TTP, "secret", c.Database)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "config", c, "ttp", c.TTP)
	asJSON, _ := json.Marshal(c)
	for _, out := range []string{
		c.String(), log.String(), string(asJSON), fmt.Sprintf("%v %+v %#v %s", c, c, c, c),
		fmt.Sprintf("%q %x %d", c.Database, c.Database, c.Database), fmt.Sprintf("%+v", struct{ hidden config.Config }{c}),
	} {
		if strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
			t.Errorf("a secret was printed: %s", out)
		}
	}
}

func TestEveryFaultInOneMessage(t *testing.T) {
	_, err := config.Load([]string{"SLUIS_DATABSE=sqlite:x", "SLUIS_WORKERS=many", "SLUIS_TLS_CERT_FILE=/nowhere"})
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		t.Fatalf("not Faults: %v", err)
	}
	for _, want := range []string{
		"SLUIS_DATABSE is not a setting", "SLUIS_DATABASE is missing", "SLUIS_BASE_URL is missing",
		"SLUIS_DISPLAY_BIRTH is missing", "SLUIS_SESSION_KEY is missing", "SLUIS_FILE_MAC_KEY is missing",
		"SLUIS_KEYRING_FILE is missing", "SLUIS_TTP_AUTH_URL is missing", "SLUIS_TTP_API_URL is missing",
		"SLUIS_TTP_PREPARE_CLIENT_ID is missing", "SLUIS_TTP_PREPARE_CLIENT_SECRET is missing",
		"SLUIS_TTP_RESOLVE_CLIENT_ID is missing", "SLUIS_TTP_RESOLVE_CLIENT_SECRET is missing",
		"SLUIS_TTP_DOMAIN is missing", "SLUIS_WORKERS must be a whole number from 1 to 64", "SLUIS_TLS_KEY_FILE is missing, but",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s", want)
		}
	}
	if len(faults) != 16 {
		t.Errorf("%d faults:\n%v", len(faults), err)
	}
}

func TestOneFault(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"SLUIS_ADDR", "8080", "host:port"},
		{"SLUIS_REPORT_RETENTION", "0", "from 1 to 3650"},
		{"SLUIS_BASE_URL", "http://sluis.example.nl", "https://"},
		{"SLUIS_BASE_URL", "http://localhost:8080", "https://"},
		{"SLUIS_BASE_URL", "https://u:" + canary + "@sluis.example.nl", "bare URL"},
		{"SLUIS_DATABASE", "mysql://" + canary, "sqlite:, postgres:// or sqlserver://"},
		{"SLUIS_DATABASE", "postgres://u:" + canary + "@localhost/", "names no database"},
		{"SLUIS_DATABASE", "sqlite:", "names no file"},
		{"SLUIS_DISPLAY_BIRTH", "month", "date or year"},
		{"SLUIS_SESSION_KEY", key(1) + "," + canary, "key 2"},
		{"SLUIS_SESSION_KEY", base64.StdEncoding.EncodeToString(make([]byte, 32)), "key 1"},
		{"SLUIS_FILE_MAC_KEY", base64.StdEncoding.EncodeToString([]byte(canary)), "32 random bytes"},
		{"SLUIS_TTP_AUTH_URL", "http://127.0.0.1:9999", "https://"},
		{"SLUIS_TTP_API_URL", "ttp.example.nl", "not a URL"},
		{"SLUIS_TTP_RESOLVE_CLIENT_ID", "intake", "two clients"},
		{"SLUIS_TTP_CLIENT_CERT_FILE", "/nowhere", "SLUIS_TTP_CLIENT_KEY_FILE is missing"},
		{"SLUIS_TTP_CA_FILE", "/nowhere", "does not exist"},
		{"SLUIS_PSEUDONYM_TYPES", "NGGV,nggv", "capitals"},
		{"SLUIS_PSEUDONYM_TYPES", "NGGV,NGGV", "twice"},
		{"SLUIS_LINK_TYPE", "BSN", "one of SLUIS_PSEUDONYM_TYPES"},
		{"SLUIS_POSTCODE_TYPES", "PGG", "not one of SLUIS_PSEUDONYM_TYPES"},
		{"SLUIS_POSTCODE_TYPES", "NGGV", "cannot link"},
		{"SLUIS_TTP_CALLS", "0", "from 1 to 64"},
		{"SLUIS_TTP_ROWS", "1001", "from 1 to 1000"},
		{"SLUIS_TTP_TEMPORARY_DAYS", "0", "from 1 to 3650"},
		{"SLUIS_TTP_RESOLVE_SECRET_EXPIRES", "31-1-2027", "a date such as"},
		{"SLUIS_MAX_FILE_MB", "0", "from 1 to 4096"},
		{"SLUIS_TRUSTED_PROXIES", "10.0.0.0/8;x", "networks"},
		{"SLUIS_TTP_SANDBOX", "perhaps", "true or false"},
	} {
		t.Run(c.name+"="+c.want, func(t *testing.T) {
			vars := good()
			vars[c.name] = c.value
			_, err := config.Load(environ(vars))
			faults, ok := errors.AsType[config.Faults](err)
			if !ok || len(faults) != 1 || !strings.Contains(faults[0], c.want) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("repeats the value: %v", err)
			}
		})
	}
}

func TestLoopbackHTTP(t *testing.T) {
	vars := good()
	vars["SLUIS_BASE_URL"] = "http://127.0.0.1:8080"
	vars["SLUIS_SECOND_FACTOR"] = "any"
	vars["SLUIS_TTP_SANDBOX"] = "true"
	vars["SLUIS_TTP_AUTH_URL"] = "http://127.0.0.1:9001"
	vars["SLUIS_TTP_API_URL"] = "http://[::1]:9001"
	c, err := config.Load(environ(vars))
	if err != nil {
		t.Fatal(err)
	}
	if c.Secure() || c.ProductionReady() || !strings.Contains(c.String(), "NOT FOR PRODUCTION") {
		t.Errorf("a configuration for tests passes for one of production:\n%s", c)
	}
	vars["SLUIS_TTP_API_URL"] = "http://10.0.0.1"
	if _, err := config.Load(environ(vars)); err == nil {
		t.Error("http to another machine is allowed")
	}
}

func TestSecretsInFiles(t *testing.T) {
	dir := t.TempDir()
	vars := good()
	for _, name := range []string{"SLUIS_DATABASE", "SLUIS_SESSION_KEY", "SLUIS_FILE_MAC_KEY", "SLUIS_TTP_PREPARE_CLIENT_SECRET", "SLUIS_TTP_RESOLVE_CLIENT_SECRET"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(vars[name]+"\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		delete(vars, name)
		vars[name+"_FILE"] = path
	}
	c, err := config.Load(environ(vars))
	if err != nil {
		t.Fatal(err)
	}
	if c.TTP.Prepare.Secret.Reveal() != canary+"1" || c.Database.Reveal() != good()["SLUIS_DATABASE"] {
		t.Error("a secret is not what stands in its file")
	}

	both := maps.Clone(vars)
	both["SLUIS_FILE_MAC_KEY"] = key(3)
	if _, err := config.Load(environ(both)); err == nil || !strings.Contains(err.Error(), "both set") {
		t.Errorf("value and file: %v", err)
	}
	gone := maps.Clone(vars)
	gone["SLUIS_DATABASE_FILE"] = filepath.Join(dir, canary)
	_, err = config.Load(environ(gone))
	if faults, ok := errors.AsType[config.Faults](err); !ok || len(faults) != 1 || !strings.Contains(faults[0], "does not exist") {
		t.Errorf("a file that is not there: %v", err)
	}
}
