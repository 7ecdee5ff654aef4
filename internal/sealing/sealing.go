// Package sealing encrypts what may not be on a disk in plain: uploads, and the
// rows of a delivery on their way through the TTP. Each delivery has a key of
// its own, which is wrapped by a key of the keyring. The keyring is a file
// outside the database.
//
// The package never decides what is sealed or for how long, and never logs. The
// cryptography is tink's: authenticated encryption with associated data, and
// keysets that rotate.
package sealing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"sluis/internal/filemode"
)

// FactorKeys returns the file with the keys of the secrets of second factors, next to the
// keyring. It is a keyring of its own, which does not rotate: the keyring's old keys must go,
// so that backups lose what deliveries held, and a second factor is kept for years.
func FactorKeys(keyring string) string {
	return filepath.Join(filepath.Dir(keyring), "factor-keys.json")
}

// retireAfter is how long an old wrapping key is kept, at least, after a new one
// was made. Without it a process that has not read the new file yet would wrap
// with a key that is gone.
const retireAfter = time.Hour

// ErrDestroyed says that the keyring no longer has the key that wraps a delivery's
// key: nobody can open what was sealed.
var ErrDestroyed = errors.New("sealing: the wrapping key is destroyed")

// Keyring holds the wrapping keys. It is safe for concurrent use, and several
// processes may share its file.
type Keyring struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	handle *keyset.Handle
	made   map[uint32]time.Time
	stamp  fileStamp
}

// ringFile is the keyring's file: tink's keyset, and when each key was made.
type ringFile struct {
	Keyset json.RawMessage      `json:"keyset"`
	Made   map[string]time.Time `json:"made"`
}

// fileStamp is the size and time of a file, by which a change of it is noticed.
type fileStamp struct {
	size int64
	mod  time.Time
}

// OpenKeyring reads the keyring at path. If there is none, it makes one with one
// key, mode 0600.
func OpenKeyring(path string, now func() time.Time) (*Keyring, error) {
	k := &Keyring{path: path, now: now}
	sweepLeftovers(path, now())
	if err := filemode.CheckOwner(path); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if err := k.load(); err == nil {
		return k, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a wrapping key: %w", err)
	}
	k.handle = h
	k.made = map[uint32]time.Time{primaryOf(h): now().UTC()}
	if err := k.store(true); err != nil {
		if errors.Is(err, os.ErrExist) { // another process was first
			return k, k.load()
		}
		return nil, err
	}
	return k, nil
}

func primaryOf(h *keyset.Handle) uint32 { return h.KeysetInfo().GetPrimaryKeyId() }

// load replaces the keys in memory with those of the file.
func (k *Keyring) load() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	raw, err := os.ReadFile(k.path)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	var f ringFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return fmt.Errorf("keyring %s is damaged", k.path)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(f.Keyset)))
	if err != nil {
		return fmt.Errorf("keyring %s is damaged", k.path)
	}
	made := make(map[uint32]time.Time, len(f.Made))
	for id, at := range f.Made {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return fmt.Errorf("keyring %s is damaged", k.path)
		}
		made[uint32(n)] = at
	}
	k.handle, k.made, k.stamp = h, made, fileStamp{info.Size(), info.ModTime()}
	return nil
}

// store writes the file in such a way that a crash leaves the old file or the new
// one, and nothing between them. With create, an existing file is an error.
func (k *Keyring) store(create bool) error {
	var keys bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewJSONWriter(&keys)); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	f := ringFile{Keyset: keys.Bytes(), Made: make(map[string]time.Time, len(k.made))}
	for id, at := range k.made {
		f.Made[strconv.FormatUint(uint64(id), 10)] = at
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	if err := place(k.path, raw, create); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	syncFolder(filepath.Dir(k.path))
	info, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	k.stamp = fileStamp{info.Size(), info.ModTime()}
	return nil
}

// leftover is the pattern of the names of new files before they are put in the
// keyring's place; it follows the keyring's own name.
const leftover = ".next-*"

// sweepLeftovers removes the new files of processes that died before they put them
// in the keyring's place: keys in them would escape their destruction. It leaves
// files of the last minute, which another process may be writing.
func sweepLeftovers(path string, now time.Time) {
	files, _ := filepath.Glob(path + leftover) // the pattern is good
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && now.Sub(info.ModTime()) > time.Minute {
			_ = os.Remove(f)
		}
	}
}

// place writes a new file and then puts it at path. The new file has a random name,
// because two processes may do this at once.
func place(path string, raw []byte, create bool) error {
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+leftover) // made 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }()
	_, err = next.Write(raw)
	if err := errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	if create {
		return os.Link(next.Name(), path) // fails if there is a file already
	}
	return os.Rename(next.Name(), path)
}

// syncFolder makes a rename durable. It ignores errors: not every file system can.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// refresh reads the file again if another process has changed it.
func (k *Keyring) refresh() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	if (fileStamp{info.Size(), info.ModTime()}) == k.stamp {
		return nil
	}
	return k.load()
}

// NewKey makes the key of a delivery, the owner. wrapped is the key in wrapped form,
// to be stored; keyID is the id of the wrapping key.
func (k *Keyring) NewKey(owner string) (key Key, wrapped []byte, keyID string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(); err != nil {
		return Key{}, nil, "", err
	}
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return Key{}, nil, "", fmt.Errorf("make a delivery key: %w", err)
	}
	wrapper, err := aead.New(k.handle)
	if err != nil {
		return Key{}, nil, "", fmt.Errorf("wrap a delivery key: %w", err)
	}
	var out bytes.Buffer
	if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), wrapper, []byte(owner)); err != nil {
		return Key{}, nil, "", fmt.Errorf("wrap a delivery key: %w", err)
	}
	key, err = newKey(h, owner)
	return key, out.Bytes(), strconv.FormatUint(uint64(primaryOf(k.handle)), 10), err
}

// OpenKey unwraps a delivery's key. It returns ErrDestroyed if no key of the ring
// fits.
func (k *Keyring) OpenKey(wrapped []byte, owner string) (Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(); err != nil {
		return Key{}, err
	}
	wrapper, err := aead.New(k.handle)
	if err != nil {
		return Key{}, fmt.Errorf("unwrap a delivery key: %w", err)
	}
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), wrapper, []byte(owner))
	if err != nil {
		return Key{}, ErrDestroyed
	}
	return newKey(h, owner)
}

// Rotate makes a new primary key if the present one is older than maxAge. It destroys
// the older keys, except those in inUse, which are the key ids that deliveries under
// way need. Everything under a destroyed key in a backup or a write-ahead log is lost
// for good: that is the purpose.
func (k *Keyring) Rotate(maxAge time.Duration, inUse []string) (rotated bool, destroyed int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// One process at a time: otherwise the last to write would drop the other's new key.
	lock := flock.New(k.path + ".lock")
	if err := lock.Lock(); err != nil {
		return false, 0, fmt.Errorf("lock the keyring: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := k.refresh(); err != nil {
		return false, 0, err
	}
	m := keyset.NewManagerFromHandle(k.handle)
	now := k.now().UTC()
	primary := primaryOf(k.handle)
	if now.Sub(k.made[primary]) >= maxAge {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return false, 0, fmt.Errorf("rotate: %w", err)
		}
		if err := m.SetPrimary(id); err != nil {
			return false, 0, fmt.Errorf("rotate: %w", err)
		}
		k.made[id], primary, rotated = now, id, true
	}
	used := make(map[string]bool, len(inUse))
	for _, id := range inUse {
		used[id] = true
	}
	successor := k.made[primary]
	for id := range k.made {
		if id == primary || used[strconv.FormatUint(uint64(id), 10)] || now.Sub(successor) < retireAfter {
			continue
		}
		if err := m.Delete(id); err != nil {
			return rotated, destroyed, fmt.Errorf("destroy a wrapping key: %w", err)
		}
		delete(k.made, id)
		destroyed++
	}
	if !rotated && destroyed == 0 {
		return false, 0, nil
	}
	if k.handle, err = m.Handle(); err != nil {
		return rotated, destroyed, fmt.Errorf("rotate: %w", err)
	}
	if err := k.store(false); err != nil {
		// Nothing may be wrapped with a key that is not in the file.
		return false, 0, errors.Join(err, k.load())
	}
	return rotated, destroyed, nil
}

// Check returns an error if the keyring cannot do its work now: if its file is gone or
// unreadable, or if its newest key cannot wrap and unwrap.
func (k *Keyring) Check() error {
	f, err := os.Open(k.path)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	const owner = "check"
	_, wrapped, _, err := k.NewKey(owner)
	if err == nil {
		_, err = k.OpenKey(wrapped, owner)
	}
	return err
}

// Has reports whether the ring has the key with this id.
func (k *Keyring) Has(keyID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.made {
		if strconv.FormatUint(uint64(id), 10) == keyID {
			return true
		}
	}
	return false
}

// Key is one delivery's key.
type Key struct {
	aead  tink.AEAD
	owner string
}

func newKey(h *keyset.Handle, owner string) (Key, error) {
	a, err := aead.New(h)
	if err != nil {
		return Key{}, fmt.Errorf("delivery key: %w", err)
	}
	return Key{aead: a, owner: owner}, nil
}

// Seal encrypts plain for one place, such as "upload/3". Open fails for another place
// and for another delivery's key.
func (k Key) Seal(plain []byte, place string) ([]byte, error) {
	c, err := k.aead.Encrypt(plain, []byte(k.owner+"|"+place))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", place, err)
	}
	return c, nil
}

// Open decrypts bytes that Seal made for the same place.
func (k Key) Open(sealed []byte, place string) ([]byte, error) {
	p, err := k.aead.Decrypt(sealed, []byte(k.owner+"|"+place))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, err)
	}
	return p, nil
}
