package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"sluis/internal/account"
	"sluis/internal/config"
	"sluis/internal/mail"
	"sluis/internal/sealing"
	"sluis/internal/server"
	"sluis/internal/store"
	"sluis/web/text"
)

// openMail returns the worker that sends mail and what takes messages in; both nil if no
// mail server is set.
func openMail(c config.Config, s *store.Store, keys *sealing.Keyring, log *slog.Logger) (*mail.Worker, server.Mailer) {
	if !c.SMTP.IsSet() {
		return nil, nil
	}
	post := mail.NewPost(keys, s)
	return &mail.Worker{
		Post: post, Sender: smtpOf(c.SMTP), Now: time.Now, Log: log,
		Remind: func(ctx context.Context) error { return warnOfTokens(ctx, s, mail.Sealer{Keys: keys}) },
	}, post
}

// smtpOf is how to reach the mail server. The settings were checked.
func smtpOf(c config.SMTP) mail.SMTP {
	host, port, _ := net.SplitHostPort(c.Addr)
	n, _ := strconv.Atoi(port)
	out := mail.SMTP{
		Host: host, Port: n, ImplicitTLS: c.TLS == config.MailTLS, Plain: c.TLS == config.NoTLS, User: c.User,
		Password: c.Password.Reveal(), From: c.From,
	}
	if len(c.CA) > 0 {
		out.Roots = x509.NewCertPool()
		out.Roots.AppendCertsFromPEM(c.CA)
	}
	return out
}

// warnOfTokens mails the people of a token that it ends soon.
func warnOfTokens(ctx context.Context, s *store.Store, sealer mail.Sealer) error {
	_, err := s.WarnOfTokens(ctx, func(k account.Token, to string, days int) (mail.Sealed, error) {
		t := text.For(text.Dutch)
		return sealer.Seal(mail.Message{
			Kind: mail.TokenEnds, To: to, Language: text.Dutch,
			Values: map[string]string{"token": k.Name, "ends": t.Moment(k.ExpiresAt), "days": t.N("tokens.days", days)},
		})
	})
	return err
}

// testMailCommand sends a message at once, without the queue.
type testMailCommand struct {
	Address string `arg:"" help:"To whom."`
}

// Run sends it.
func (m testMailCommand) Run(ctx context.Context, c console) error {
	settings, err := config.LoadSMTP(c.env)
	if err != nil {
		return err
	}
	if !settings.IsSet() {
		return errors.New("no mail server is set: set SLUIS_SMTP_ADDR and SLUIS_MAIL_FROM")
	}
	message := mail.Message{Kind: mail.Test, To: m.Address, Language: text.Dutch}
	if err := message.Check(); err != nil {
		return err
	}
	if err := smtpOf(settings).Send(ctx, strconv.FormatInt(time.Now().UnixNano(), 36), message); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "the mail server at %s took the message\n", settings.Addr)
	return nil
}
