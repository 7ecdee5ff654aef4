package ttpsandbox

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyPrefix marks the key file's format.
const keyPrefix = "ttpsandbox-key-v1:"

const masterSize = 32

// keyring has the keys that are derived from the master key. Every domain has its
// own key, so that a domain that is added later changes no pseudonym of another.
type keyring struct {
	macs      sync.Pool // HMACs over the normalised fields; making one costs more than using it
	token     []byte    // for the HMAC over access tokens
	nonce     []byte    // for the HMAC that seeds nonces, so that a repeated call gets the same answer
	body      []byte    // for the HMAC over bodies in the idempotency ledger
	temporary cipher.AEAD
	domains   map[string]bool

	derive   func(label string, size int) ([]byte, error)
	mu       sync.Mutex
	versions map[domainVersion]tink.DeterministicAEAD // made when first needed
}

type domainVersion struct {
	domain  string
	version int
}

func newKeyring(master []byte, domains []string) (*keyring, error) {
	var errs []error
	make := func(label string, size int) ([]byte, error) {
		return hkdf.Key(sha256.New, master, nil, "sluis ttp sandbox v1 "+label, size)
	}
	derive := func(label string) []byte {
		key, err := make(label, 32)
		errs = append(errs, err)
		return key
	}
	k := &keyring{
		token:    derive("token"),
		nonce:    derive("nonce"),
		body:     derive("body"),
		domains:  map[string]bool{},
		derive:   make,
		versions: map[domainVersion]tink.DeterministicAEAD{},
	}
	precursor := derive("precursor")
	k.macs.New = func() any { return hmac.New(sha256.New, precursor) }
	block, err := aes.NewCipher(derive("temporary"))
	if err == nil {
		k.temporary, err = cipher.NewGCM(block)
	}
	errs = append(errs, err)
	for _, d := range domains {
		k.domains[d] = true
		_, err = k.domainKey(d, 1)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("ttpsandbox: deriving keys: %w", err)
	}
	return k, nil
}

// domainKey returns a domain's key of a version; versions count from 1.
func (k *keyring) domainKey(domain string, version int) (tink.DeterministicAEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := domainVersion{domain, version}
	if key := k.versions[at]; key != nil {
		return key, nil
	}
	label := "domain:" + domain
	if version > 1 {
		label += ":" + strconv.Itoa(version)
	}
	raw, err := k.derive(label, subtle.AESSIVKeySize)
	if err != nil {
		return nil, err
	}
	key, err := subtle.NewAESSIV(raw)
	if err == nil {
		k.versions[at] = key
	}
	return key, err
}

// masterKey returns the key of the key file, and makes the file if there is none.
// Two processes that start at the same time get the same key.
func masterKey(path string) ([]byte, error) {
	if path == "" {
		return newMaster(), nil
	}
	key, err := readMaster(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := writeMaster(path, newMaster()); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("ttpsandbox: making the key file: %w", err)
	}
	return readMaster(path)
}

func newMaster() []byte {
	key := make([]byte, masterSize)
	_, _ = rand.Read(key) // never fails
	return key
}

func readMaster(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("ttpsandbox: key file: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("ttpsandbox: key file %s can be read by others; run: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ttpsandbox: key file: %w", err)
	}
	encoded, ok := strings.CutPrefix(strings.TrimSpace(string(text)), keyPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) != masterSize {
		return nil, fmt.Errorf("ttpsandbox: %s is not a key file of the sandbox; "+
			"put it back from a copy, or remove it to start with new pseudonyms", path)
	}
	return key, nil
}

// writeMaster puts the whole key file in place at once. It never overwrites one.
func writeMaster(path string, key []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".ttpkey-*") // has mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(keyPrefix + base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}
