package tree

import (
	"bytes"
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
	"sync/atomic"

	"golang.org/x/mod/sumdb/note" // Ed25519 signatures on text

	"sluis/internal/filemode"
)

// keyName is the name under which heads are signed.
const keyName = "sluis-access-log"

// Key seals records and signs heads. Its file has one private key a line: the first is
// used, and all of them verify, so that a new key comes above the old one. It may be read
// again while it is in use.
type Key struct {
	path string // empty for a key that is in no file
	now  atomic.Pointer[lines]
}

// lines are what the lines of the file are good for.
type lines struct {
	signer    note.Signer
	verifiers note.Verifiers
	seals     [][]byte // HMAC keys, one for each line
}

// Reload reads the file again. It reports whether another key is used from now on. If the
// file cannot be used, the old key stays in use.
func (k *Key) Reload() (changed bool, err error) {
	if k == nil || k.path == "" {
		return false, nil
	}
	if err := filemode.CheckOwner(k.path); err != nil {
		return false, fmt.Errorf("key of the access log: %w", err)
	}
	raw, err := os.ReadFile(k.path)
	if err != nil {
		return false, fmt.Errorf("read the key of the access log: %w", err)
	}
	next, err := parseKey(k.path, strings.Fields(string(raw)))
	if err != nil {
		return false, err
	}
	old, fresh := k.now.Load(), next.now.Load()
	k.now.Store(fresh)
	return !bytes.Equal(old.seals[0], fresh.seals[0]), nil
}

// Rotate puts a new key above the others in the file at path, and its public half above
// the others next to it. Whoever uses the file goes on with the old key until it is read
// again; both verify.
func Rotate(path string) error {
	if _, err := OpenKey(path); err != nil {
		return err
	}
	secret, public, err := note.GenerateKey(rand.Reader, keyName)
	if err != nil {
		return err
	}
	// The public half first: a head must never be signed with a key that nobody can verify.
	if err := putAbove(path+".pub", public); err != nil {
		return err
	}
	return putAbove(path, secret)
}

// putAbove puts a line above those of a file, in such a way that a crash leaves the old
// file or the new one.
func putAbove(path, line string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read a key of the access log: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".next-*") // made 0600
	if err != nil {
		return fmt.Errorf("write a key of the access log: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(line + "\n" + string(old))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write a key of the access log: %w", err)
	}
	return os.Rename(f.Name(), path)
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
	k, err := parseKey("a new key", []string{secret})
	if err == nil {
		k.path = ""
	}
	return k, err
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

func parseKey(path string, text []string) (*Key, error) {
	k := &lines{}
	var verifiers []note.Verifier
	for i, line := range text {
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
	return newKey(path, k), nil
}

func newKey(path string, l *lines) *Key {
	k := &Key{path: path}
	k.now.Store(l)
	return k
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
	return newKey("", &lines{verifiers: note.VerifierList(verifiers...)}), nil
}

// Seal returns the HMAC of an encoded record, or nil if k is nil. Who holds the database
// without this key cannot add a record.
func (k *Key) Seal(record []byte) []byte {
	if !k.CanSeal() {
		return nil
	}
	return mac(k.now.Load().seals[0], record)
}

// CanSeal reports whether k has the secret half.
func (k *Key) CanSeal() bool { return k != nil && len(k.now.Load().seals) > 0 }

// Sealed reports whether the seal of the record is one of k's.
func (k *Key) Sealed(r Record) bool { return k.sealed(Encode(r.Event), r.Seal) }

// sealed reports whether seal is one of k's for record.
func (k *Key) sealed(record, seal []byte) bool {
	for _, key := range k.now.Load().seals {
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
	signer := k.now.Load().signer
	if signer == nil {
		return nil, errors.New("heads cannot be signed with a public key")
	}
	return note.Sign(&note.Note{Text: text}, signer)
}

// open returns the text of a signed note whose signature is k's.
func (k *Key) open(signed []byte) (string, error) {
	n, err := note.Open(signed, k.now.Load().verifiers)
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
