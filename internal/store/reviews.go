package store

import (
	"context"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
)

type accessReviewRow struct {
	ID       int64 `gorm:"primaryKey;autoIncrement:false"`
	SignedBy string
	SignedAt time.Time
	Accounts int
	Blocked  int
	Tokens   int
	Remark   string
	DueAt    time.Time
}

func (accessReviewRow) TableName() string { return "access_reviews" }

// AccessList returns every account and every API token for a review of who has access,
// with the event of who asked. code is the format in which they leave: "html" or "csv".
func (s *Store) AccessList(ctx context.Context, who audit.Who, code string) (users []account.User, tokens []account.Token, err error) {
	err = s.write(ctx, func(t *tx) error {
		if users, tokens, err = t.everyone(); err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "access_review", Code: code})
	})
	return users, tokens, err
}

func (t *tx) everyone() (users []account.User, tokens []account.Token, err error) {
	orgs, err := everyOrganisation(t.db)
	if err != nil {
		return nil, nil, err
	}
	var rows []userRow
	if err := t.db.Order("email").Find(&rows).Error; err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		users = append(users, r.user(orgs))
	}
	var keys []tokenRow
	if err := t.db.Order("id").Find(&keys).Error; err != nil {
		return nil, nil, err
	}
	for _, r := range keys {
		tokens = append(tokens, r.token(orgs))
	}
	return users, tokens, nil
}

// SignReview stores that who reviewed the accounts as they are now.
func (s *Store) SignReview(ctx context.Context, who audit.Who, remark string) error {
	return s.write(ctx, func(t *tx) error {
		users, tokens, err := t.everyone()
		if err != nil {
			return err
		}
		row := accessReviewRow{
			SignedBy: cut(who.Name, 300), SignedAt: t.at, Remark: cut(remark, account.MaxReason), DueAt: t.at.Add(account.ReviewEvery),
		}
		for _, u := range users {
			if u.State() == account.Blocked {
				row.Blocked++
			} else {
				row.Accounts++
			}
		}
		for _, k := range tokens {
			if k.State(t.at) == account.Active {
				row.Tokens++
			}
		}
		if row.ID, err = t.next("access_reviews", 1); err != nil {
			return err
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Create, Who: who, ObjectType: "access_review", Code: "review_signed",
		})
	})
}

// shownReviews is how many reviews are shown.
const shownReviews = 20

// Reviews returns the latest reviews of who has access, the newest first.
func (s *Store) Reviews(ctx context.Context) ([]account.Review, error) {
	var rows []accessReviewRow
	if err := s.read(ctx).Order("id DESC").Limit(shownReviews).Find(&rows).Error; err != nil {
		return nil, s.dialect.clean(err)
	}
	out := make([]account.Review, len(rows))
	for i, r := range rows {
		out[i] = account.Review{
			By: r.SignedBy, At: r.SignedAt.UTC(), Accounts: r.Accounts, Blocked: r.Blocked, Tokens: r.Tokens,
			Remark: r.Remark, DueAt: r.DueAt.UTC(),
		}
	}
	return out, nil
}
