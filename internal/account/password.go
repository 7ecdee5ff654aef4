package account

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"
)

// How long a password is, in characters.
const (
	MinPasswordLength = 12
	MaxPasswordLength = 256
)

// The ways in which a new password is not good enough.
var (
	ErrPasswordTooShort = fmt.Errorf("a password has at least %d characters", MinPasswordLength)
	ErrPasswordTooLong  = fmt.Errorf("a password has at most %d characters", MaxPasswordLength)
)

// passwordParams are OWASP's for argon2id: 19 MiB, two passes, one thread.
var passwordParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// passwordSlots bounds how many passwords are hashed at once, and with that the
// memory that a flood of sign-ins can take: four times 19 MiB.
var passwordSlots = make(chan struct{}, 4)

// dummyHash is checked for a user who does not exist, so that this takes as
// long as for one who does.
var dummyHash = sync.OnceValues(func() (string, error) {
	token, _ := NewToken()
	return argon2id.CreateHash(token, passwordParams)
})

// HashPassword makes what is stored of a new password.
// Errors: [ErrPasswordTooShort], [ErrPasswordTooLong], those of ctx.
func HashPassword(ctx context.Context, password string) (string, error) {
	password = norm.NFC.String(password)
	switch n := utf8.RuneCountInString(password); {
	case n < MinPasswordLength:
		return "", ErrPasswordTooShort
	case n > MaxPasswordLength:
		return "", ErrPasswordTooLong
	}
	release, err := passwordSlot(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return argon2id.CreateHash(password, passwordParams)
}

// CheckPassword tells whether password is the one that hash was made of. An
// empty hash stands for a user who does not exist: the answer is no, and takes
// as long.
func CheckPassword(ctx context.Context, hash, password string) (bool, error) {
	password = norm.NFC.String(password)
	known := hash != ""
	if !known {
		var err error
		if hash, err = dummyHash(); err != nil {
			return false, err
		}
	}
	if utf8.RuneCountInString(password) > MaxPasswordLength {
		password = "" // nobody has such a password, nor this one
	}
	release, err := passwordSlot(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return false, errors.New("the stored password hash cannot be read")
	}
	return ok && known, nil
}

// passwordSlot waits for its turn to hash.
func passwordSlot(ctx context.Context) (release func(), err error) {
	select {
	case passwordSlots <- struct{}{}:
		return func() { <-passwordSlots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
