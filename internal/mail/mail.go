// Package mail sends short messages about accounts and tokens by SMTP.
//
// A message waits in the database until it is sent, so that any number of processes
// send it once between them, and a mail server that is down loses none. What it says
// is sealed there, because a one-time link opens an account; it is destroyed when the
// message is sent.
//
// The package knows no patient: a message has a kind and the few values that the texts
// of that kind have a place for. Neither these values nor an address is ever logged.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"time"

	"github.com/google/uuid"

	"sluis/internal/sealing"
	"sluis/web/text"
)

// Kind is what a message is about. The catalogue has its texts: "mail.<kind>.subject" and
// "mail.<kind>.body".
type Kind string

// The kinds.
const (
	Invitation      Kind = "invite"
	Reset           Kind = "reset"
	TokenEnds       Kind = "token_ends"
	PasswordChanged Kind = "password_changed"
	FactorChanged   Kind = "factor_changed"
	NewBrowser      Kind = "new_browser"
	Test            Kind = "test"
)

// values are the names of what a message of each kind may say, besides its texts.
var values = map[Kind][]string{
	Invitation:      {"link", "ends"},
	Reset:           {"link", "ends"},
	TokenEnds:       {"token", "ends", "days"},
	PasswordChanged: {"when", "address"},
	FactorChanged:   {"when", "address"},
	NewBrowser:      {"when", "address", "browser"},
	Test:            {},
}

// Kinds lists every kind.
func Kinds() []Kind { return slices.Sorted(maps.Keys(values)) }

// Values lists what a message of a kind may say.
func Values(k Kind) []string { return values[k] }

// Message is a message to one person.
type Message struct {
	Kind     Kind              `json:"kind"`
	To       string            `json:"to"`
	Language string            `json:"language"` // of the texts; empty for Dutch
	Values   map[string]string `json:"values"`
}

// Check refuses a message that no text of the catalogue is for.
func (m Message) Check() error {
	known, ok := values[m.Kind]
	if !ok {
		return fmt.Errorf("mail: %q is no kind of message", m.Kind)
	}
	for name := range m.Values {
		if !slices.Contains(known, name) {
			return fmt.Errorf("mail: a message of kind %s does not say %q", m.Kind, name)
		}
	}
	if addr, err := mail.ParseAddress(m.To); err != nil || addr.Address != m.To {
		return errors.New("mail: the recipient is no e-mail address")
	}
	return nil
}

// words returns the subject and the body in the language of the message.
func (m Message) words() (subject, body string) {
	t := text.For(m.Language)
	args := []any{}
	for name, value := range m.Values {
		args = append(args, name, value)
	}
	key := "mail." + string(m.Kind)
	return t.T("mail.subject", "subject", t.T(key+".subject")), t.T(key+".body", args...) + "\n\n" + t.T("mail.foot") + "\n"
}

// Sealed is a message as the database keeps it. Content opens only with the keyring.
type Sealed struct {
	PublicID            string // names it in the log, and is its Message-ID
	Kind                Kind
	KeyID               string // of the wrapping key
	WrappedKey, Content []byte
}

// place binds the content to what it is.
const place = "mail"

// Sealer seals messages, to be kept until they are sent.
type Sealer struct{ Keys *sealing.Keyring }

// Seal checks and seals a message.
func (s Sealer) Seal(m Message) (Sealed, error) {
	if err := m.Check(); err != nil {
		return Sealed{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Sealed{}, fmt.Errorf("mail: make an id: %w", err)
	}
	out := Sealed{PublicID: id.String(), Kind: m.Kind}
	plain, err := json.Marshal(m)
	if err != nil {
		return Sealed{}, fmt.Errorf("mail: %w", err)
	}
	defer clear(plain)
	key, wrapped, keyID, err := s.Keys.NewKey(out.PublicID)
	if err != nil {
		return Sealed{}, err
	}
	out.WrappedKey, out.KeyID = wrapped, keyID
	out.Content, err = key.Seal(plain, place)
	return out, err
}

// open opens a sealed message.
func (s Sealer) open(x Sealed) (m Message, err error) {
	key, err := s.Keys.OpenKey(x.WrappedKey, x.PublicID)
	if err != nil {
		return m, err
	}
	plain, err := key.Open(x.Content, place)
	if err != nil {
		return m, err
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, &m); err != nil {
		return m, errors.New("mail: the sealed message cannot be read") // err may quote it
	}
	return m, m.Check()
}

// Claim is a message that one process sends at this moment.
type Claim struct {
	Sealed
	ID       int64
	Fence    int64
	Attempts int // that failed
}

// Queue keeps messages until they are sent.
type Queue interface {
	AddMail(ctx context.Context, m Sealed) error
	// ClaimMail claims the next message that is to be sent now; ok is false if there is none.
	ClaimMail(ctx context.Context, now time.Time, lease time.Duration) (c Claim, ok bool, err error)
	// MailSent destroys the content of a message, which is sent.
	MailSent(ctx context.Context, c Claim) error
	// MailFailed notes a try that failed. Without a next one the message is given up, and its
	// content destroyed.
	MailFailed(ctx context.Context, c Claim, next time.Time) error
}

// Post takes messages in. It is safe for concurrent use.
type Post struct {
	sealer Sealer
	queue  Queue
	wake   chan struct{}
}

// NewPost returns a Post.
func NewPost(keys *sealing.Keyring, queue Queue) *Post {
	return &Post{Sealer{keys}, queue, make(chan struct{}, 1)}
}

// Put takes a message in, to be sent soon. When it returns, the message is safe.
func (p *Post) Put(ctx context.Context, m Message) error {
	sealed, err := p.sealer.Seal(m)
	if err != nil {
		return err
	}
	if err := p.queue.AddMail(ctx, sealed); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	p.Wake()
	return nil
}

// Wake makes the worker of this process look for messages now.
func (p *Post) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
