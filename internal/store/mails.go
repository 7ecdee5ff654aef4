package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/mail"
)

// mailRow is a message that waits to be sent. What is sent or given up keeps its row for a
// while, without its content.
type mailRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID   string
	Kind       string
	State      string
	KeyID      string
	WrappedKey []byte
	Content    []byte
	Attempts   int
	Fence      int64
	NextTryAt  time.Time
	CreatedAt  time.Time
	EndedAt    *time.Time
}

func (mailRow) TableName() string { return "mails" }

// The states of a message.
const (
	mailWaiting = "waiting"
	mailSent    = "sent"
	mailGivenUp = "given_up"
)

// mailLife is how long the row of a message is kept that was sent or given up.
const mailLife = 30 * 24 * time.Hour

// AddMail puts a message in the queue.
func (s *Store) AddMail(ctx context.Context, m mail.Sealed) error {
	return s.write(ctx, func(t *tx) error { return t.addMail(m) })
}

func (t *tx) addMail(m mail.Sealed) error {
	id, err := t.next("mails", 1)
	if err != nil {
		return err
	}
	row := mailRow{
		ID: id, PublicID: m.PublicID, Kind: string(m.Kind), State: mailWaiting, KeyID: m.KeyID, WrappedKey: m.WrappedKey,
		Content: m.Content, NextTryAt: t.at, CreatedAt: t.at,
	}
	if err := t.db.Create(&row).Error; err != nil {
		return err
	}
	return t.db.Exec("DELETE FROM mails WHERE state <> ? AND ended_at < ?", mailWaiting, t.at.Add(-mailLife)).Error
}

// ClaimMail claims the oldest message that is to be sent now. Of the processes that try it
// at once, the one that still finds the old fence has it.
func (s *Store) ClaimMail(ctx context.Context, now time.Time, lease time.Duration) (mail.Claim, bool, error) {
	now = stamp(now)
	var rows []mailRow
	err := s.read(ctx).Where("state = ? AND next_try_at <= ?", mailWaiting, now).Order("next_try_at, id").Limit(8).Find(&rows).Error
	if err != nil {
		return mail.Claim{}, false, s.dialect.clean(err)
	}
	for _, r := range rows {
		taken := false
		err := s.write(ctx, func(t *tx) error {
			res := t.db.Exec("UPDATE mails SET fence = fence + 1, next_try_at = ? WHERE id = ? AND fence = ? AND state = ? AND next_try_at <= ?",
				now.Add(lease), r.ID, r.Fence, mailWaiting, now)
			taken = res.RowsAffected == 1
			return res.Error
		})
		if err != nil {
			return mail.Claim{}, false, err
		}
		if taken {
			return mail.Claim{
				Sealed: mail.Sealed{
					PublicID: r.PublicID, Kind: mail.Kind(r.Kind), KeyID: r.KeyID, WrappedKey: r.WrappedKey, Content: r.Content,
				},
				ID: r.ID, Fence: r.Fence + 1, Attempts: r.Attempts,
			}, true, nil
		}
	}
	return mail.Claim{}, false, nil
}

// MailSent destroys the content of a message, which is sent.
func (s *Store) MailSent(ctx context.Context, c mail.Claim) error { return s.endMail(ctx, c, mailSent) }

// MailFailed notes a try that failed. Without a next one, the message is given up.
func (s *Store) MailFailed(ctx context.Context, c mail.Claim, next time.Time) error {
	if next.IsZero() {
		return s.endMail(ctx, c, mailGivenUp)
	}
	return s.write(ctx, func(t *tx) error {
		return t.db.Exec("UPDATE mails SET attempts = attempts + 1, next_try_at = ? WHERE id = ? AND fence = ? AND state = ?",
			stamp(next), c.ID, c.Fence, mailWaiting).Error
	})
}

// endMail ends a message, unless another process has claimed it meanwhile.
func (s *Store) endMail(ctx context.Context, c mail.Claim, state string) error {
	return s.write(ctx, func(t *tx) error {
		return t.db.Exec(`UPDATE mails SET state = ?, attempts = attempts + 1, key_id = '', wrapped_key = ?, content = ?, ended_at = ?
			WHERE id = ? AND fence = ? AND state = ?`,
			state, []byte(nil), []byte(nil), t.at, c.ID, c.Fence, mailWaiting).Error
	})
}

// tokenWarnings are the days before the end of a token on which its people are told.
var tokenWarnings = []int{3, 14}

// WarnOfTokens puts a message in the queue for each token in use that ends soon, 14 days
// and 3 days before, once each. message makes it, of the token and the addresses to which
// it goes; days is how many are left.
func (s *Store) WarnOfTokens(
	ctx context.Context, message func(k account.Token, to string, days int) (mail.Sealed, error),
) (n int, err error) {
	now := s.clock()
	last := now.AddDate(0, 0, tokenWarnings[len(tokenWarnings)-1])
	var rows []tokenRow
	err = s.read(ctx).Where("revoked_at IS NULL AND expires_at > ? AND expires_at <= ? AND warned_days <> ?", now, last, tokenWarnings[0]).
		Order("id").Find(&rows).Error
	if err != nil {
		return 0, s.dialect.clean(err)
	}
	for _, r := range rows {
		sent := 0
		err := s.write(ctx, func(t *tx) error {
			var err error
			sent, err = t.warnOfToken(r, message)
			return err
		})
		if err != nil {
			return n, err
		}
		n += sent
	}
	return n, nil
}

func (t *tx) warnOfToken(r tokenRow, message func(k account.Token, to string, days int) (mail.Sealed, error)) (int, error) {
	stage := tokenWarnings[1]
	if r.ExpiresAt.Before(t.at.AddDate(0, 0, tokenWarnings[0])) {
		stage = tokenWarnings[0]
	}
	// Of several processes, the one that changes the row warns.
	res := t.db.Exec("UPDATE tokens SET warned_days = ? WHERE id = ? AND warned_days = ? AND revoked_at IS NULL", stage, r.ID, r.WarnedDays)
	if res.Error != nil || res.RowsAffected == 0 || stage == r.WarnedDays {
		return 0, res.Error
	}
	orgs, err := everyOrganisation(t.db)
	if err != nil {
		return 0, err
	}
	k := r.token(orgs)
	to, err := t.tokenPeople(k)
	if err != nil {
		return 0, err
	}
	for _, address := range to {
		sealed, err := message(k, address, int(r.ExpiresAt.Sub(t.at)/(24*time.Hour)))
		if err != nil {
			return 0, err
		}
		if err := t.addMail(sealed); err != nil {
			return 0, err
		}
	}
	return len(to), nil
}

// tokenPeople are the addresses that are told of the end of a token: whoever made it, if
// they still have an account, and the contact of its centre or processor.
func (t *tx) tokenPeople(k account.Token) ([]string, error) {
	var found []userRow
	if err := t.db.Session(&gorm.Session{}).Where("email = ? AND disabled_at IS NULL", k.CreatedBy).Find(&found).Error; err != nil {
		return nil, err
	}
	var to []string
	for _, u := range found {
		to = append(to, u.Email)
	}
	contact := ""
	switch {
	case k.Centre != nil:
		contact = k.Centre.ContactEmail
	case k.Processor != nil:
		contact = k.Processor.ContactEmail
	}
	if contact != "" && contact != k.CreatedBy {
		to = append(to, contact)
	}
	return to, nil
}
