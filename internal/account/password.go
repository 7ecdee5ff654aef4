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

// The length of a password, in characters.
const (
	MinPasswordLength = 12
	MaxPasswordLength = 256
)

// The errors of a new password that is not accepted.
var (
	ErrPasswordTooShort = fmt.Errorf("a password has at least %d characters", MinPasswordLength)
	ErrPasswordTooLong  = fmt.Errorf("a password has at most %d characters", MaxPasswordLength)
)

// passwordParams are OWASP's for argon2id: 19 MiB, two passes, one thread.
var passwordParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// passwordSlots limits how many passwords are hashed at once. That bounds the
// memory that a flood of sign-ins can take to four times 19 MiB.
var passwordSlots = make(chan struct{}, 4)

// dummyHash is checked for a user who does not exist, so that the answer takes as
// long as for a user who does.
var dummyHash = sync.OnceValues(func() (string, error) {
	token, _ := NewToken()
	return argon2id.CreateHash(token, passwordParams)
})

// HashPassword returns the hash of a new password, to be stored. About is what others
// know of its owner and would try first: the e-mail address, the name of the centre.
// Errors: [ErrPasswordTooShort], [ErrPasswordTooLong], [ErrPasswordCommon],
// [ErrPasswordContext], those of ctx.
func HashPassword(ctx context.Context, password string, about ...string) (string, error) {
	password = norm.NFC.String(password)
	if err := CheckPasswordStrength(password, about...); err != nil {
		return "", err
	}
	release, err := passwordSlot(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return argon2id.CreateHash(password, passwordParams)
}

// CheckPassword reports whether hash was made of password. An empty hash means a
// user who does not exist: the answer is false, and takes as long as any other.
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
		password = "" // nobody has a password that long, and nobody has this one
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

// passwordSlot waits until one more password may be hashed.
func passwordSlot(ctx context.Context) (release func(), err error) {
	select {
	case passwordSlots <- struct{}{}:
		return func() { <-passwordSlots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
