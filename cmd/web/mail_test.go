package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sluis/internal/mail/mailtest"
)

// TestMailTest sends a test message, and says in words why it cannot.
func TestMailTest(t *testing.T) {
	server := mailtest.Start(t, true)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, server.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	addr := "127.0.0.1:" + strconv.Itoa(server.Port)
	for _, c := range []struct {
		what string
		env  []string
		code int
		says string
	}{
		{"all is set", []string{"SLUIS_SMTP_ADDR=" + addr, "SLUIS_SMTP_CA_FILE=" + ca, "SLUIS_MAIL_FROM=sluis@example.nl"}, 0, "took the message"},
		{"no server", nil, 1, "SLUIS_SMTP_ADDR"},
		{"an unknown certificate", []string{"SLUIS_SMTP_ADDR=" + addr, "SLUIS_MAIL_FROM=sluis@example.nl"}, 1, "certificate is not trusted"},
		{"plain to elsewhere", []string{"SLUIS_SMTP_ADDR=mail.example.nl:25", "SLUIS_SMTP_TLS=none", "SLUIS_MAIL_FROM=sluis@example.nl"}, 1, "unencrypted"},
		{"no sender", []string{"SLUIS_SMTP_ADDR=" + addr}, 1, "SLUIS_MAIL_FROM"},
	} {
		var out bytes.Buffer
		code := run(context.Background(), []string{"mail", "test", "jan@ziekenhuis.example"}, c.env, strings.NewReader(""), &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %d %s", c.what, code, out.String())
		}
	}
	if n := len(server.Taken()); n != 1 {
		t.Errorf("%d messages", n)
	}
}
