package store

import (
	"context"
	"crypto/sha256"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
)

type passkeyRow struct {
	ID             int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID       string
	UserID         int64
	Name           string
	CredentialHash []byte
	Credential     []byte
	Record         []byte
	SignCount      int64
	CreatedAt      time.Time
	LastUsedAt     *time.Time
}

func (passkeyRow) TableName() string { return "passkeys" }

func (r passkeyRow) passkey() account.Passkey {
	return account.Passkey{
		PublicID: r.PublicID, UserID: r.UserID, Name: r.Name, Credential: r.Credential, Record: r.Record,
		SignCount: uint32(r.SignCount), // it was a uint32 when it was stored
		CreatedAt: r.CreatedAt.UTC(), LastUsedAt: moment(r.LastUsedAt),
	}
}

type totpRow struct {
	UserID     int64 `gorm:"primaryKey;autoIncrement:false"`
	WrappedKey []byte
	Secret     []byte
	LastStep   int64
	CreatedAt  time.Time
	LastUsedAt *time.Time
}

func (totpRow) TableName() string { return "totp_apps" }

type recoveryRow struct {
	UserID    int64  `gorm:"primaryKey;autoIncrement:false"`
	CodeHash  []byte `gorm:"primaryKey"`
	Salt      []byte
	CreatedAt time.Time
	UsedAt    *time.Time
}

func (recoveryRow) TableName() string { return "recovery_codes" }

type challengeRow struct {
	ChallengeHash []byte `gorm:"primaryKey"`
	ExpiresAt     time.Time
}

func (challengeRow) TableName() string { return "used_challenges" }

// The faults of a change of factors.
var (
	errLastFactor      = apperr.New(apperr.Conflict, "last_factor")
	errTooManyPasskeys = apperr.New(apperr.Conflict, "too_many_passkeys")
	errPasskeyExists   = apperr.New(apperr.Conflict, "passkey_exists")
	// errFactorsChanged refuses a first factor that comes with recovery codes if the account
	// has got a factor in the meantime: somebody else with the password may have been first.
	errFactorsChanged = apperr.New(apperr.Conflict, "factors_changed")
)

// FactorsOf returns what an account has besides its password.
func (s *Store) FactorsOf(ctx context.Context, userID int64) (f account.Factors, err error) {
	f, err = (&tx{Store: s, db: s.read(ctx)}).factorsOf(userID)
	return f, s.dialect.clean(err)
}

func (t *tx) factorsOf(userID int64) (account.Factors, error) {
	var f account.Factors
	var keys []passkeyRow
	if err := t.db.Where("user_id = ?", userID).Order("id").Find(&keys).Error; err != nil {
		return f, err
	}
	for _, r := range keys {
		f.Passkeys = append(f.Passkeys, r.passkey())
	}
	var apps []totpRow
	if err := t.db.Where("user_id = ?", userID).Find(&apps).Error; err != nil {
		return f, err
	}
	for _, r := range apps {
		f.TOTP = &account.TOTP{
			WrappedKey: r.WrappedKey, Secret: r.Secret, LastStep: r.LastStep, CreatedAt: r.CreatedAt.UTC(),
			LastUsedAt: moment(r.LastUsedAt),
		}
	}
	var codes []recoveryRow
	if err := t.db.Where("user_id = ?", userID).Find(&codes).Error; err != nil {
		return f, err
	}
	for _, r := range codes {
		f.RecoverySalt = r.Salt
		if r.UsedAt == nil {
			f.RecoveryLeft++
		}
	}
	return f, nil
}

// HasTOTP reports whether any account has an authenticator app, whose secret only the
// keys of the factors can open.
func (s *Store) HasTOTP(ctx context.Context) (bool, error) {
	var n int64
	err := s.read(ctx).Model(&totpRow{}).Count(&n).Error
	return n > 0, s.dialect.clean(err)
}

// PasskeyByCredential returns a passkey by the id that the device has for it, or
// apperr.NotFound.
func (s *Store) PasskeyByCredential(ctx context.Context, credential []byte) (account.Passkey, error) {
	hash := sha256.Sum256(credential)
	var r passkeyRow
	if err := first(s.read(ctx).Where("credential_hash = ?", hash[:]), &r); err != nil {
		return account.Passkey{}, s.dialect.clean(err)
	}
	return r.passkey(), nil
}

// lockOwn locks the account of the one who asks, so that two changes of its factors come
// one after the other, and returns it with its factors. One that is blocked is
// apperr.NotFound.
func (t *tx) lockOwn(userID int64) (account.User, account.Factors, error) {
	var r userRow
	if err := first(t.dialect.forUpdate(t.db, "users").Where("id = ? AND disabled_at IS NULL", userID), &r); err != nil {
		return account.User{}, account.Factors{}, err
	}
	orgs, err := everyOrganisation(t.db)
	if err != nil {
		return account.User{}, account.Factors{}, err
	}
	f, err := t.factorsOf(userID)
	return r.user(orgs), f, err
}

// noteFactor writes a change of the factors of u to its history and to the access log.
func (t *tx) noteFactor(who audit.Who, u account.User, act account.Act) error {
	if err := t.noteChange(who, u, act, rights(u)); err != nil {
		return err
	}
	return t.record(audit.Event{
		Type: audit.AccountChanged, Action: audit.Update, Who: who, ObjectType: "user", ObjectID: u.PublicID, Code: act.Code,
		Reason: act.Reason,
	})
}

// AddPasskey stores a passkey of the one who asks, and the recovery codes that come with
// the first factor; none if the set is empty. It is apperr.Conflict "passkey_exists" for a
// credential that is known, and "too_many_passkeys".
func (s *Store) AddPasskey(ctx context.Context, who audit.Who, p account.Passkey, codes account.RecoverySet) error {
	hash := sha256.Sum256(p.Credential)
	return s.write(ctx, func(t *tx) error {
		u, f, err := t.lockOwn(who.UserID)
		if err != nil {
			return err
		}
		switch {
		case len(codes.Hashes) > 0 && f.RecoverySalt != nil:
			return errFactorsChanged
		case len(f.Passkeys) >= account.MaxPasskeys:
			return errTooManyPasskeys
		}
		var same int64
		if err := t.db.Model(&passkeyRow{}).Where("credential_hash = ?", hash[:]).Count(&same).Error; err != nil {
			return err
		}
		if same > 0 {
			return errPasskeyExists
		}
		id, err := t.next("passkeys", 1)
		if err != nil {
			return err
		}
		r := passkeyRow{
			ID: id, UserID: u.ID, Name: cut(p.Name, account.MaxPasskeyName), CredentialHash: hash[:], Credential: p.Credential,
			Record: p.Record, SignCount: int64(p.SignCount), CreatedAt: t.at,
		}
		if r.PublicID, err = publicID(); err != nil {
			return err
		}
		if err := t.db.Create(&r).Error; err != nil {
			return err
		}
		if err := t.setRecovery(u.ID, codes); err != nil {
			return err
		}
		return t.noteFactor(who, u, account.Act{Code: "passkey_added"})
	})
}

// SetTOTP stores the authenticator app of the one who asks, in the place of the one that
// there was, and the recovery codes that come with the first factor.
func (s *Store) SetTOTP(ctx context.Context, who audit.Who, app account.TOTP, codes account.RecoverySet) error {
	return s.write(ctx, func(t *tx) error {
		u, f, err := t.lockOwn(who.UserID)
		if err != nil {
			return err
		}
		if len(codes.Hashes) > 0 && f.RecoverySalt != nil {
			return errFactorsChanged
		}
		if err := t.db.Exec("DELETE FROM totp_apps WHERE user_id = ?", u.ID).Error; err != nil {
			return err
		}
		r := totpRow{UserID: u.ID, WrappedKey: app.WrappedKey, Secret: app.Secret, LastStep: app.LastStep, CreatedAt: t.at}
		if err := t.db.Create(&r).Error; err != nil {
			return err
		}
		if err := t.setRecovery(u.ID, codes); err != nil {
			return err
		}
		return t.noteFactor(who, u, account.Act{Code: "totp_added"})
	})
}

// setRecovery replaces the recovery codes of an account, unless the set is empty.
func (t *tx) setRecovery(userID int64, set account.RecoverySet) error {
	if len(set.Hashes) == 0 {
		return nil
	}
	if err := t.db.Exec("DELETE FROM recovery_codes WHERE user_id = ?", userID).Error; err != nil {
		return err
	}
	for _, hash := range set.Hashes {
		r := recoveryRow{UserID: userID, CodeHash: hash, Salt: set.Salt, CreatedAt: t.at}
		if err := t.db.Create(&r).Error; err != nil {
			return err
		}
	}
	return nil
}

// NewRecovery replaces the recovery codes of the one who asks. Without a factor there is
// nothing to recover: apperr.Conflict "last_factor".
func (s *Store) NewRecovery(ctx context.Context, who audit.Who, codes account.RecoverySet) error {
	return s.write(ctx, func(t *tx) error {
		u, f, err := t.lockOwn(who.UserID)
		if err != nil {
			return err
		}
		if !f.Any() {
			return errLastFactor
		}
		if err := t.setRecovery(u.ID, codes); err != nil {
			return err
		}
		return t.noteFactor(who, u, account.Act{Code: "recovery_new"})
	})
}

// RenamePasskey renames a passkey of the one who asks. Somebody else's is apperr.NotFound.
func (s *Store) RenamePasskey(ctx context.Context, who audit.Who, publicID, name string) error {
	return s.write(ctx, func(t *tx) error {
		u, _, err := t.lockOwn(who.UserID)
		if err != nil {
			return err
		}
		res := t.db.Exec("UPDATE passkeys SET name = ? WHERE user_id = ? AND public_id = ?", cut(name, account.MaxPasskeyName), u.ID, publicID)
		if err := one(res, errNotFound); err != nil {
			return err
		}
		return t.noteFactor(who, u, account.Act{Code: "passkey_renamed"})
	})
}

// RemovePasskey removes a passkey of the one who asks. Somebody else's is apperr.NotFound.
// allowed is asked what would be left, under a lock; its refusal changes nothing.
func (s *Store) RemovePasskey(ctx context.Context, who audit.Who, publicID string, allowed func(left account.Factors) error) error {
	return s.removeFactor(ctx, who, "passkey_removed", allowed, func(t *tx, userID int64) error {
		return one(t.db.Exec("DELETE FROM passkeys WHERE user_id = ? AND public_id = ?", userID, publicID), errNotFound)
	})
}

// RemoveTOTP removes the authenticator app of the one who asks, as [Store.RemovePasskey]
// does.
func (s *Store) RemoveTOTP(ctx context.Context, who audit.Who, allowed func(left account.Factors) error) error {
	return s.removeFactor(ctx, who, "totp_removed", allowed, func(t *tx, userID int64) error {
		return one(t.db.Exec("DELETE FROM totp_apps WHERE user_id = ?", userID), errNotFound)
	})
}

func (s *Store) removeFactor(ctx context.Context, who audit.Who, code string, allowed func(left account.Factors) error,
	remove func(t *tx, userID int64) error,
) error {
	return s.write(ctx, func(t *tx) error {
		u, _, err := t.lockOwn(who.UserID)
		if err != nil {
			return err
		}
		if err := remove(t, u.ID); err != nil {
			return err
		}
		left, err := t.factorsOf(u.ID)
		if err != nil {
			return err
		}
		if err := allowed(left); err != nil {
			return err
		}
		if !left.Any() { // recovery codes stand in for a factor, and there is none
			if err := t.db.Exec("DELETE FROM recovery_codes WHERE user_id = ?", u.ID).Error; err != nil {
				return err
			}
		}
		return t.noteFactor(who, u, account.Act{Code: code})
	})
}

// UseTOTP takes a code of an authenticator app, named by its step. It returns false if
// that code or a later one was used already: of two who use it at once, one gets true.
func (s *Store) UseTOTP(ctx context.Context, userID, step int64) (used bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE totp_apps SET last_step = ?, last_used_at = ? WHERE user_id = ? AND last_step < ?", step, t.at, userID, step)
		used = res.RowsAffected == 1
		return res.Error
	})
	return used, err
}

// UseRecovery takes a recovery code of an account, with its event. It returns false if
// there is no such code or it was used already: of two who use it at once, one gets true.
func (s *Store) UseRecovery(ctx context.Context, who audit.Who, userID int64, hash []byte) (used bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		used = false
		res := t.db.Exec("UPDATE recovery_codes SET used_at = ? WHERE user_id = ? AND code_hash = ? AND used_at IS NULL", t.at, userID, hash)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		u, _, err := t.lockOwn(userID)
		if err != nil {
			return err
		}
		used = true
		return t.noteFactor(who, u, account.Act{Code: "recovery_used"})
	})
	return used, err
}

// UsePasskey stores that a passkey was used, with its new record and count of signatures.
// It returns false if the count went back, which means that there is a copy of the passkey;
// passkeys that do not count have 0.
func (s *Store) UsePasskey(ctx context.Context, p account.Passkey) (used bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		res := t.db.Exec(`UPDATE passkeys SET record = ?, sign_count = ?, last_used_at = ?
			WHERE public_id = ? AND (sign_count < ? OR (sign_count = 0 AND ? = 0))`,
			p.Record, int64(p.SignCount), t.at, p.PublicID, int64(p.SignCount), int64(p.SignCount))
		used = res.RowsAffected == 1
		return res.Error
	})
	return used, err
}

// UseChallenge takes a challenge that was answered. It returns false if it was taken
// already: of two who answer it at once, one gets true. It deletes those that expired.
func (s *Store) UseChallenge(ctx context.Context, hash [32]byte, expires time.Time) (used bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		used = false
		if err := t.db.Exec("DELETE FROM used_challenges WHERE expires_at < ?", t.at).Error; err != nil {
			return err
		}
		var before int64
		if err := t.db.Model(&challengeRow{}).Where("challenge_hash = ?", hash[:]).Count(&before).Error; err != nil || before > 0 {
			return err
		}
		if err := t.db.Create(&challengeRow{ChallengeHash: hash[:], ExpiresAt: stamp(expires)}).Error; err != nil {
			if t.dialect.duplicate(err) { // another process was first
				return errPasskeyExists
			}
			return err
		}
		used = true
		return nil
	})
	if apperr.KindOf(err) == apperr.Conflict {
		return false, nil
	}
	return used && err == nil, err
}

// ResetFactors removes everything that an account in scope has besides its password, and
// ends its sessions. allowed may refuse.
func (s *Store) ResetFactors(ctx context.Context, who audit.Who, scope account.Scope, publicID, reason string,
	allowed func(u account.User) error,
) error {
	return s.write(ctx, func(t *tx) error {
		var r userRow
		if err := first(inPeopleScope(t.dialect.forUpdate(t.db, "users"), scope).Where("public_id = ?", publicID), &r); err != nil {
			return err
		}
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		u := r.user(orgs)
		if err := allowed(u); err != nil {
			return err
		}
		for _, table := range []string{"passkeys", "totp_apps", "recovery_codes", "sessions"} {
			if err := t.db.Exec("DELETE FROM "+table+" WHERE user_id = ?", u.ID).Error; err != nil {
				return err
			}
		}
		return t.noteFactor(who, u, account.Act{Code: "factors_reset", Reason: reason})
	})
}

// ConfirmSession stores that the user of a session has shown once more who they are, with
// its event.
func (s *Store) ConfirmSession(ctx context.Context, hash [32]byte, by account.Proof, ev audit.Event) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE sessions SET proved_by = ?, proved_at = ? WHERE token_hash = ?", string(by), t.at, hash[:])
		if err := one(res, errNotFound); err != nil {
			return err
		}
		return t.record(ev)
	})
}
