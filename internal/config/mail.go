package config

import (
	"net"
	"net/mail"
	"strconv"
)

// The ways to reach the mail server.
const (
	StartTLS = "starttls" // plain at first, and then TLS before anything is said
	MailTLS  = "tls"      // TLS from the first byte
	NoTLS    = "none"     // on this machine only
)

// SMTP is how to send mail. Without an Addr there is none.
type SMTP struct {
	Addr     string // host:port
	TLS      string // StartTLS, MailTLS or NoTLS
	User     string // empty for none
	Password Secret
	CAFile   string // certificate authority of the mail server; empty for the system's
	CA       []byte // content of CAFile
	From     string // the sender's address
}

// IsSet reports whether mail can be sent.
func (s SMTP) IsSet() bool { return s.Addr != "" }

// checkSMTP reads how to send mail.
func checkSMTP(s settings, faults *Faults) SMTP {
	out := SMTP{
		Addr: s.SMTPAddr, TLS: s.SMTPTLS, User: s.SMTPUser, Password: NewSecret(s.SMTPPassword), CAFile: s.SMTPCAFile, From: s.SMTPFrom,
	}
	if out.Addr == "" {
		for name, value := range map[string]string{
			"SLUIS_SMTP_USER": s.SMTPUser, "SLUIS_SMTP_PASSWORD": s.SMTPPassword, "SLUIS_SMTP_CA_FILE": s.SMTPCAFile,
			"SLUIS_MAIL_FROM": s.SMTPFrom,
		} {
			if value != "" {
				faults.Add(name, "is set, but SLUIS_SMTP_ADDR is not; set that to host:port of the mail server, or leave both out")
			}
		}
		return SMTP{}
	}
	host, port, err := net.SplitHostPort(out.Addr)
	if _, numErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || numErr != nil {
		faults.Add("SLUIS_SMTP_ADDR", "must be host:port, such as mail.example.nl:587")
	}
	switch out.TLS {
	case StartTLS, MailTLS:
	case NoTLS:
		if !loopback(host) {
			faults.Add("SLUIS_SMTP_TLS", "is none, with which one-time links would cross the network unencrypted; use starttls or tls")
		}
	default:
		faults.Add("SLUIS_SMTP_TLS", "must be starttls, tls or, for a mail server on this machine, none")
	}
	if (s.SMTPUser == "") != (s.SMTPPassword == "") {
		faults.Add("SLUIS_SMTP_USER", "and SLUIS_SMTP_PASSWORD go together; set both or neither")
	}
	if addr, err := mail.ParseAddress(out.From); err != nil || addr.Address != out.From {
		faults.Add("SLUIS_MAIL_FROM", "must be the address from which mail is sent, such as sluis@example.nl")
	}
	if out.CAFile != "" {
		out.CA = checkCA("SLUIS_SMTP_CA_FILE", out.CAFile, faults)
	}
	return out
}

// LoadSMTP reads only how to send mail, for a command that needs no more.
func LoadSMTP(environ []string) (SMTP, error) {
	var faults Faults
	vars := ours(environ)
	readSecretFiles(vars, &faults)
	out := checkSMTP(settings{
		SMTPAddr: vars["SLUIS_SMTP_ADDR"], SMTPTLS: orDefault(vars["SLUIS_SMTP_TLS"], StartTLS), SMTPUser: vars["SLUIS_SMTP_USER"],
		SMTPPassword: vars["SLUIS_SMTP_PASSWORD"], SMTPCAFile: vars["SLUIS_SMTP_CA_FILE"], SMTPFrom: vars["SLUIS_MAIL_FROM"],
	}, &faults)
	if len(faults) > 0 {
		return SMTP{}, faults
	}
	return out, nil
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// The ways in which the client certificate of a script is known.
const (
	CertsNone   = ""       // it is not
	CertsTLS    = "tls"    // Sluis ends TLS, and asks for one
	CertsHeader = "header" // a trusted proxy says it in Client-Cert (RFC 9440)
)

// checkClientCerts reads how the certificates of scripts are known.
func checkClientCerts(value string, c *Config, faults *Faults) {
	c.ClientCerts = value
	switch value {
	case CertsNone:
	case CertsTLS:
		if c.TLSCertFile == "" {
			faults.Add("SLUIS_CLIENT_CERTS", "is tls, but Sluis does not end TLS; set SLUIS_TLS_CERT_FILE, or use header behind a proxy")
		}
	case CertsHeader:
		if len(c.TrustedProxies) == 0 {
			faults.Add("SLUIS_CLIENT_CERTS", "is header, which only a proxy in SLUIS_TRUSTED_PROXIES may send; set that")
		}
	default:
		faults.Add("SLUIS_CLIENT_CERTS", "must be tls, header or empty")
	}
}
