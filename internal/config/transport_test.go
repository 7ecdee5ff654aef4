package config_test

import (
	"strings"
	"testing"

	"sluis/internal/config"
)

// TestServingInTheClear: beyond this machine there is TLS, or a proxy that is named.
func TestServingInTheClear(t *testing.T) {
	for addr, refused := range map[string]bool{
		"127.0.0.1:8080": false, "[::1]:8080": false, "localhost:8080": false,
		":8080": true, "0.0.0.0:8080": true, "[::]:8080": true, "10.0.0.7:8080": true, "sluis.example.nl:80": true,
	} {
		vars := good()
		vars["SLUIS_ADDR"] = addr
		_, err := config.Load(environ(vars))
		if refused != (err != nil && strings.Contains(err.Error(), "SLUIS_ADDR listens beyond this machine, without TLS")) {
			t.Errorf("%s: %v", addr, err)
		}
		vars["SLUIS_TRUSTED_PROXIES"] = "10.0.0.1"
		if _, err := config.Load(environ(vars)); err != nil {
			t.Errorf("%s behind a proxy: %v", addr, err)
		}
	}
	vars := good()
	vars["SLUIS_TRUSTED_PROXIES"] = "0.0.0.0/0"
	if _, err := config.Load(environ(vars)); err == nil || !strings.Contains(err.Error(), "names every address") {
		t.Errorf("everybody is a proxy: %v", err)
	}
}

// TestPostgresInTheClear is TestDatabaseInTheClear for PostgreSQL.
func TestPostgresInTheClear(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://u:" + canary + "@db/x?sslmode=verify-full":                       "",
		"postgresql://u:" + canary + "@db:5432/x?sslmode=verify-full&sslrootcert=ca": "",
		"postgres://u:" + canary + "@127.0.0.1:5433/x":                               "",
		"postgres://u:" + canary + "@localhost/x?sslmode=disable":                    "",
		"postgres:///x?host=/run/postgresql&user=u&password=" + canary:               "",
		"postgres://u:" + canary + "@db/x":                                           "has no sslmode=verify-full",
		"postgres://u:" + canary + "@db/x?sslmode=require":                           "has no sslmode=verify-full",
		"postgres://u:" + canary + "@db/x?sslmode=verify-ca":                         "has no sslmode=verify-full",
		"postgres://u:" + canary + "@localhost,db/x?sslmode=prefer":                  "has no sslmode=verify-full",
		"postgres:///x?host=/run/postgresql,db&user=u&password=" + canary:            "has no sslmode=verify-full",
		"postgres://u:" + canary + "@127.0.0.1.example.nl/x":                         "has no sslmode=verify-full",
		"postgres://u:" + canary + "%zz@db/x":                                        "is not a URL",
	} {
		_, err := config.LoadDatabase([]string{"SLUIS_DATABASE=" + dsn})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", dsn, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v", dsn, err)
		case err != nil && strings.Contains(err.Error(), canary):
			t.Errorf("the password is shown: %v", err)
		}
	}
}

// TestDatabaseInTheClear: a database elsewhere is reached over TLS that is verified.
func TestDatabaseInTheClear(t *testing.T) {
	for dsn, want := range map[string]string{
		"sqlserver://u:" + canary + "@db?database=x&encrypt=true":                             "",
		"sqlserver://u:" + canary + "@db:1433?database=x&Encrypt=STRICT":                      "",
		"sqlserver://u:" + canary + "@db?encrypt=true&TrustServerCertificate=false":           "",
		"sqlserver://u:" + canary + "@127.0.0.1?database=x&encrypt=disable":                   "",
		"sqlserver://u:" + canary + "@localhost?database=x":                                   "",
		"sqlserver://u:" + canary + "@db?database=x":                                          "has no encrypt",
		"sqlserver://u:" + canary + "@db?database=x&encrypt=disable":                          "unencrypted",
		"sqlserver://u:" + canary + "@db?database=x&encrypt=false":                            "unencrypted",
		"sqlserver://u:" + canary + "@db?database=x&encrypt=optional":                         "unencrypted",
		"sqlserver://u:" + canary + "@db?database=x&encrypt=true&trustservercertificate=true": "pass for the database",
		"sqlserver://u:" + canary + "@db?encrypt=true&TrustServerCertificate=yes":             "pass for the database",
		"sqlserver://u:" + canary + "@127.0.0.1.example.nl?database=x":                        "has no encrypt",
		"sqlserver://u:" + canary + "%zz@db?encrypt=true":                                     "is not a URL",
	} {
		for _, name := range []string{"SLUIS_DATABASE", "SLUIS_EXISTING_DSN", "SLUIS_EXISTING_ERASE_DSN"} {
			vars := good()
			vars[name] = dsn
			_, err := config.Load(environ(vars))
			switch {
			case want == "" && err != nil:
				t.Errorf("%s %s: %v", name, dsn, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), name+" ") || !strings.Contains(err.Error(), want)):
				t.Errorf("%s %s: %v", name, dsn, err)
			case err != nil && strings.Contains(err.Error(), canary):
				t.Errorf("the password is shown: %v", err)
			}
		}
		if _, err := config.LoadDatabase([]string{"SLUIS_DATABASE=" + dsn}); (err == nil) != (want == "") {
			t.Errorf("for a command, %s: %v", dsn, err)
		}
	}
}
