package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	gomail "github.com/wneessen/go-mail" // STARTTLS, authentication and the format of a message
)

// SMTP sends messages to one mail server.
type SMTP struct {
	Host string
	Port int
	// ImplicitTLS speaks TLS from the first byte; Plain not at all, which is for a server on
	// this machine. With neither, the server must offer STARTTLS.
	ImplicitTLS, Plain bool
	Roots              *x509.CertPool // nil for the system's
	User, Password     string         // empty for none
	From               string
}

// Failure is why the mail server did not take a message: never its words, which may repeat
// an address or the message.
type Failure struct {
	Stage     string // "message", "connect" or "send"
	Code      int    // of SMTP; 0 if the server said nothing
	Permanent bool   // trying again makes no sense
}

func (f *Failure) Error() string {
	switch {
	case f.Stage == "connect":
		return "mail: the mail server cannot be reached, or its certificate is not trusted, or it refuses the sign-in"
	case f.Code > 0:
		return fmt.Sprintf("mail: the mail server refused the message with code %d", f.Code)
	}
	return "mail: the message was not sent (" + f.Stage + ")"
}

// failureOf returns err as a Failure; nil for none.
func failureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Stage: "send"}
}

// Send sends a message over a connection of its own.
func (s SMTP) Send(ctx context.Context, id string, m Message) error {
	msg := gomail.NewMsg()
	subject, body := m.words()
	if err := errors.Join(msg.From(s.From), msg.To(m.To)); err != nil {
		return &Failure{Stage: "message", Permanent: true}
	}
	_, domain, _ := strings.Cut(s.From, "@")
	msg.SetMessageIDWithValue(id + "@" + domain) // the same on every try
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.Subject(subject)
	msg.SetBodyString(gomail.TypeTextPlain, body)
	client, err := gomail.NewClient(s.Host, s.options()...)
	if err != nil {
		return &Failure{Stage: "message"}
	}
	if err := client.DialWithContext(ctx); err != nil {
		return &Failure{Stage: "connect"}
	}
	defer func() { _ = client.Close() }()
	err = client.Send(msg)
	if refused, ok := errors.AsType[*gomail.SendError](err); ok {
		return &Failure{Stage: "send", Code: refused.ErrorCode(), Permanent: refused.ErrorCode() >= 500 && !refused.IsTemp()}
	}
	if err != nil {
		return &Failure{Stage: "send"}
	}
	return nil
}

func (s SMTP) options() []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(sendTimeout),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}),
	}
	switch {
	case s.Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case s.ImplicitTLS:
		options = append(options, gomail.WithSSL())
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User),
			gomail.WithPassword(s.Password))
	}
	return options
}
