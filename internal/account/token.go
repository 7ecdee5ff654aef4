package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// TokenPrefix starts every API token, so that a scanner for lost secrets
// recognises one.
const TokenPrefix = "sluis_"

// NewToken makes an API token of 256 random bits. The token is shown once; what
// is stored is its hash. A token has too many bits to be guessed, so a plain
// hash will do.
func NewToken() (token string, hash [32]byte) {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (documented)
	token = TokenPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
	return token, HashToken(token)
}

// HashToken is what is stored of a token and looked up.
func HashToken(token string) [32]byte { return sha256.Sum256([]byte(token)) }
