package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// TokenPrefix starts every API token, so that a scanner for lost secrets
// recognises one.
const TokenPrefix = "sluis_"

// NewToken makes an API token of 256 random bits. The token is shown once, and only
// its hash is stored. A token has too many bits to be guessed, so a plain hash will
// do.
func NewToken() (token string, hash [32]byte) {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (documented)
	token = TokenPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
	return token, HashToken(token)
}

// HashToken returns the hash by which a token is stored and looked up.
func HashToken(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// TokenRole reports whether an API token may have this role. The others work on the pages
// only.
func TokenRole(r Role) bool {
	return r == Clinician || r == Uploader || r == DataManager || r == ProcessorStaff
}

// TokenQuery selects tokens, the newest first. A zero field does not filter.
type TokenQuery struct {
	CentreNumber string
	After        string // PublicID of the last token of the page before
	Limit        int
}

// TokenPage is one page of tokens. Next is the After of the following page; "" on the last
// one.
type TokenPage struct {
	Tokens []Token
	Next   string
}
