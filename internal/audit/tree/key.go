package tree

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note" // Ed25519 signatures on text

	"sluis/internal/filemode"
)

// keyName is the name under which heads are signed.
const keyName = "sluis-access-log"

// Key seals records and signs heads. Its file has one private key a line: the first is
// used, and all of them verify, so that a new key comes above the old one.
type Key struct {
	signer    note.Signer
	verifiers note.Verifiers
	seals     [][]byte // HMAC keys, one for each line
}

// KeyFile returns the path of the key: it is in the folder of the keyring, which is never
// in one backup with the database.
func KeyFile(keyring string) string { return filepath.Join(filepath.Dir(keyring), "audit-key") }

// OpenKey reads the key. It makes one if there is none, and writes the public half next
// to it, for whoever verifies without the key.
func OpenKey(path string) (*Key, error) {
	if err := filemode.CheckOwner(path); err != nil {
		return nil, fmt.Errorf("key of the access log: %w", err)
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of the access log: %w", err)
	}
	return parseKey(path, strings.Fields(string(raw)))
}

// NewKey returns a key that is in no file.
func NewKey() (*Key, error) {
	secret, _, err := note.GenerateKey(rand.Reader, keyName)
	if err != nil {
		return nil, err
	}
	return parseKey("a new key", []string{secret})
}

func makeKey(path string) (*Key, error) {
	secret, public, err := note.GenerateKey(rand.Reader, keyName)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) { // another process was first
		return OpenKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("make a key for the access log: %w", err)
	}
	_, err = f.WriteString(secret + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("make a key for the access log: %w", err)
	}
	if err := os.WriteFile(path+".pub", []byte(public+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write the public key of the access log: %w", err)
	}
	return parseKey(path, []string{secret})
}

func parseKey(path string, lines []string) (*Key, error) {
	k := &Key{}
	var verifiers []note.Verifier
	for i, line := range lines {
		signer, err := note.NewSigner(line)
		if err != nil { // the library's error does not repeat the key
			return nil, fmt.Errorf("line %d of %s is no key of the access log", i+1, path)
		}
		public, err := publicHalf(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of %s is no key of the access log", i+1, path)
		}
		seal, err := hkdf.Key(sha256.New, []byte(line), nil, "sluis access log seal 1", sha256.Size)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			k.signer = signer
		}
		verifiers, k.seals = append(verifiers, public), append(k.seals, seal)
	}
	if k.signer == nil {
		return nil, fmt.Errorf("%s holds no key of the access log", path)
	}
	k.verifiers = note.VerifierList(verifiers...)
	return k, nil
}

// OpenPublicKey reads the public half only. With it heads are verified, and seals are
// not.
func OpenPublicKey(path string) (*Key, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the public key of the access log: %w", err)
	}
	var verifiers []note.Verifier
	for i, line := range strings.Fields(string(raw)) {
		v, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of %s is no public key of the access log", i+1, path)
		}
		verifiers = append(verifiers, v)
	}
	if len(verifiers) == 0 {
		return nil, fmt.Errorf("%s holds no public key of the access log", path)
	}
	return &Key{verifiers: note.VerifierList(verifiers...)}, nil
}

// Seal returns the HMAC of an encoded record, or nil if k is nil. Who holds the database
// without this key cannot add a record.
func (k *Key) Seal(record []byte) []byte {
	if k == nil || len(k.seals) == 0 {
		return nil
	}
	return mac(k.seals[0], record)
}

// CanSeal reports whether k has the secret half.
func (k *Key) CanSeal() bool { return k != nil && len(k.seals) > 0 }

// Sealed reports whether the seal of the record is one of k's.
func (k *Key) Sealed(r Record) bool { return k.sealed(Encode(r.Event), r.Seal) }

// sealed reports whether seal is one of k's for record.
func (k *Key) sealed(record, seal []byte) bool {
	for _, key := range k.seals {
		if hmac.Equal(mac(key, record), seal) {
			return true
		}
	}
	return false
}

func mac(key, record []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(record) // a hash takes everything
	return h.Sum(nil)
}

// sign returns text as a signed note.
func (k *Key) sign(text string) ([]byte, error) {
	if k.signer == nil {
		return nil, errors.New("heads cannot be signed with a public key")
	}
	return note.Sign(&note.Note{Text: text}, k.signer)
}

// open returns the text of a signed note whose signature is k's.
func (k *Key) open(signed []byte) (string, error) {
	n, err := note.Open(signed, k.verifiers)
	if err != nil {
		return "", errors.New("its signature is not the access log's")
	}
	return n.Text, nil
}

// publicHalf returns the verifier of a private key. The library derives it, but does not
// hand it out.
func publicHalf(line string) (note.Verifier, error) {
	parts := strings.SplitN(line, "+", 5) // PRIVATE+KEY+name+hash+seed; a seed in base64 may have a + itself
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, errors.New("no Ed25519 seed")
	}
	public, _ := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	text, err := note.NewEd25519VerifierKey(keyName, public)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(text)
}
