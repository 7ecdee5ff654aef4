package account

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

const (
	// HalfSessionLife is how long somebody has to give or to set up a second factor after
	// the right password. It is enough to install an app on a telephone.
	HalfSessionLife = 15 * time.Minute
	// FreshFor is how long a proof of a second factor counts for acts that cannot be undone.
	FreshFor = 5 * time.Minute
	// ChallengeLife is how long a challenge for a passkey can be answered.
	ChallengeLife = 5 * time.Minute
	// MaxPasskeys is the number of passkeys that one account may have.
	MaxPasskeys = 10
	// MaxPasskeyName is the longest name of a passkey, in characters.
	MaxPasskeyName = 60
	// RecoveryCodes is how many recovery codes a set has.
	RecoveryCodes = 10
)

// FactorPolicy says what people need besides a password. The zero value is
// [FactorRequired], the strictest.
type FactorPolicy string

// The policies.
const (
	// FactorRequired asks everyone for a second factor, and the roles that see all centres
	// for a passkey.
	FactorRequired FactorPolicy = "required"
	// FactorAny asks everyone for a second factor of any kind.
	FactorAny FactorPolicy = "any"
	// FactorOptional asks for a second factor only if somebody has one. It is for
	// demonstrations and rehearsals.
	FactorOptional FactorPolicy = "optional"
)

// FactorPolicies lists the policies.
var FactorPolicies = []FactorPolicy{FactorRequired, FactorAny, FactorOptional}

// Proof is how somebody showed who they are.
type Proof string

// The proofs. Each is also the code of the event of a sign-in.
const (
	ByPassword Proof = "password_only" // without a second factor
	ByPasskey  Proof = "passkey"
	ByTOTP     Proof = "totp"     // a code of an authenticator app
	ByRecovery Proof = "recovery" // a recovery code
	// ByProvider is the word of a provider that asked for a second factor itself.
	ByProvider Proof = "provider"
)

// Passkey is a WebAuthn credential. Its private key never leaves the device.
type Passkey struct {
	PublicID   string
	UserID     int64
	Name       string // as its owner calls it
	Credential []byte // the id by which the device knows it
	Record     []byte // its public key and what else the room of the factors keeps of it
	SignCount  uint32 // 0 for a passkey that does not count
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
}

// TOTP is an authenticator app. Its secret is sealed: whoever reads the database cannot
// make codes.
type TOTP struct {
	WrappedKey []byte
	Secret     []byte // sealed
	LastStep   int64  // of the last code that was used; none up to it is accepted again
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
}

// Factors is what an account has besides its password.
type Factors struct {
	Passkeys     []Passkey // the oldest first
	TOTP         *TOTP     // nil if there is none
	RecoveryLeft int       // recovery codes that were not used yet
	// RecoverySalt is that of the present set of recovery codes; nil if there is none.
	RecoverySalt []byte
}

// Any reports whether the account has a second factor. Recovery codes only stand in for
// one.
func (f Factors) Any() bool { return len(f.Passkeys) > 0 || f.TOTP != nil }

// Count returns how many second factors the account has.
func (f Factors) Count() int {
	if f.TOTP != nil {
		return len(f.Passkeys) + 1
	}
	return len(f.Passkeys)
}

// NeedsPasskey reports whether people with these roles need a passkey: those who see all
// centres, or decide about accounts and logs of all of them.
func (p FactorPolicy) NeedsPasskey(roles []Role) bool {
	strict := p == FactorRequired || p == ""
	ofAll := func(r Role) bool { return !r.NeedsCentre() && r != ProcessorStaff }
	return strict && slices.ContainsFunc(roles, ofAll)
}

// Accepts reports whether a proof will do as second factor of somebody with these roles
// and factors. Who needs a passkey and has one signs in with it: a code can be read out to
// an impostor, a passkey cannot.
func (p FactorPolicy) Accepts(proof Proof, roles []Role, f Factors) bool {
	switch proof {
	case ByPasskey:
		return len(f.Passkeys) > 0
	case ByRecovery:
		return f.RecoveryLeft > 0 && f.Any()
	case ByTOTP:
		return f.TOTP != nil && (len(f.Passkeys) == 0 || !p.NeedsPasskey(roles))
	case ByPassword:
		return p == FactorOptional && !f.Any()
	case ByProvider:
		return true
	}
	return false
}

// MustAdd reports whether somebody with these roles and factors has to set up a factor
// before they are let in.
func (p FactorPolicy) MustAdd(roles []Role, f Factors) bool {
	if p.NeedsPasskey(roles) {
		return len(f.Passkeys) == 0
	}
	return p != FactorOptional && !f.Any()
}

// RecoverySet is a new set of recovery codes, as it is stored.
type RecoverySet struct {
	Salt   []byte
	Hashes [][]byte
}

// recoveryAlphabet has no signs that look like another: no I, L, O or U, no 0 or 1.
const recoveryAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

// recoveryLength is the number of signs of a recovery code. Twelve of thirty signs are
// 58 bits, which with argon2id is out of reach also for who has the hashes.
const recoveryLength = 12

// NewRecoveryCodes makes a set of recovery codes. The codes are shown once, and only
// their hashes are stored.
func NewRecoveryCodes(ctx context.Context) ([]string, RecoverySet, error) {
	set := RecoverySet{Salt: make([]byte, 16)}
	_, _ = rand.Read(set.Salt) // never fails (documented)
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		code := newRecoveryCode()
		hash, err := HashRecoveryCode(ctx, code, set.Salt)
		if err != nil {
			return nil, RecoverySet{}, err
		}
		codes[i] = code[:4] + "-" + code[4:8] + "-" + code[8:]
		set.Hashes = append(set.Hashes, hash)
	}
	return codes, set, nil
}

func newRecoveryCode() string {
	var code strings.Builder
	for code.Len() < recoveryLength {
		var raw [recoveryLength]byte
		_, _ = rand.Read(raw[:])
		for _, b := range raw {
			// Bytes above a multiple of the alphabet would favour its first signs.
			if n := len(recoveryAlphabet); int(b) < 256/n*n && code.Len() < recoveryLength {
				code.WriteByte(recoveryAlphabet[int(b)%n])
			}
		}
	}
	return code.String()
}

// IsRecoveryCode reports whether a typed text has the form of a recovery code, and returns
// the code without marks.
func IsRecoveryCode(typed string) (code string, ok bool) {
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(typed))
	bad := strings.ContainsFunc(code, func(r rune) bool { return !strings.ContainsRune(recoveryAlphabet, r) })
	return code, len(code) == recoveryLength && !bad
}

// HashRecoveryCode returns the hash by which a recovery code is stored and looked up. It
// costs what a password costs.
func HashRecoveryCode(ctx context.Context, code string, salt []byte) ([]byte, error) {
	release, err := passwordSlot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	p := passwordParams
	return argon2.IDKey([]byte(code), salt, p.Iterations, p.Memory, p.Parallelism, p.KeyLength), nil
}
