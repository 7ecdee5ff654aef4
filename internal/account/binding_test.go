package account_test

import (
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"sluis/internal/account"
)

func TestTokenElsewhere(t *testing.T) {
	networks, ok := account.ParseNetworks("10.1.0.0/16, 2001:db8::/32\n192.0.2.7")
	if !ok {
		t.Fatal("the networks cannot be read")
	}
	print := account.Thumbprint([]byte("certificate"))
	for _, c := range []struct {
		what, address, certificate string
		token                      account.Token
		want                       string
	}{
		{"bound to nothing", "198.51.100.1", "", account.Token{}, ""},
		{"inside", "10.1.2.3", "", account.Token{Addresses: networks}, ""},
		{"IPv4 in IPv6", "::ffff:10.1.2.3", "", account.Token{Addresses: networks}, ""},
		{"one address", "192.0.2.7", "", account.Token{Addresses: networks}, ""},
		{"IPv6", "2001:db8:1::1", "", account.Token{Addresses: networks}, ""},
		{"the one next to it", "192.0.2.8", "", account.Token{Addresses: networks}, account.OtherAddress},
		{"another network", "10.2.0.1", "", account.Token{Addresses: networks}, account.OtherAddress},
		{"another IPv6 network", "2001:db9::1", "", account.Token{Addresses: networks}, account.OtherAddress},
		{"no address", "", "", account.Token{Addresses: networks}, account.OtherAddress},
		{"the certificate", "10.1.2.3", print, account.Token{Addresses: networks, Certificate: print}, ""},
		{"no certificate", "10.1.2.3", "", account.Token{Certificate: print}, account.OtherCertificate},
		{"another certificate", "10.1.2.3", account.Thumbprint([]byte("x")), account.Token{Certificate: print}, account.OtherCertificate},
	} {
		if got := c.token.Elsewhere(c.address, c.certificate); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestParseNetworks(t *testing.T) {
	for _, wrong := range []string{"0.0.0.0/0", "::/0", "10.0.0.0/33", "hospital.example", "fe80::1%eth0", "10.0.0.0/8 x", "::ffff:10.0.0.0/104",
		manyNetworks(account.MostNetworks + 1)} {
		if got, ok := account.ParseNetworks(wrong); ok {
			t.Errorf("%.40q is read as %v", wrong, got)
		}
	}
	got, ok := account.ParseNetworks(" 10.1.2.3/16\t10.1.0.0/16,2001:DB8::1 ")
	if joined := account.JoinNetworks(got); !ok || joined != "10.1.0.0/16 2001:db8::1" {
		t.Errorf("%q", joined)
	}
}

func manyNetworks(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("10.0.%d.0/24", i))
	}
	return strings.Join(out, " ")
}

func TestParseThumbprint(t *testing.T) {
	print := account.Thumbprint([]byte("certificate"))
	colons := strings.ToUpper(print[:2] + ":" + print[2:])
	whole := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("certificate")}))
	for _, s := range []string{print, colons, " " + print + "\n", whole} {
		if got, ok := account.ParseThumbprint(s); !ok || got != print {
			t.Errorf("%.20q: %q %v", s, got, ok)
		}
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("certificate")}))
	for _, s := range []string{"x", print[2:], print + "00", key} {
		if _, ok := account.ParseThumbprint(s); ok {
			t.Errorf("%.20q is taken for a thumbprint", s)
		}
	}
	if got, ok := account.ParseThumbprint(""); got != "" || !ok {
		t.Error("nothing is no thumbprint, and no fault")
	}
}
