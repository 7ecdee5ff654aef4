package ttpsandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// turned is the newest version of the domains' keys. It is kept in a file next to
// the key file, so that a running sandbox notices that another process turned them.
type turned struct {
	mu      sync.Mutex
	version int // 0: not read yet
	looked  time.Time
}

func (s *Sandbox) versionFile() string { return s.opt.KeyFile + ".version" }

// keyVersion returns the newest version of the domains' keys; versions count from 1.
func (s *Sandbox) keyVersion() int {
	s.turned.mu.Lock()
	defer s.turned.mu.Unlock()
	now := time.Now()
	if s.turned.version == 0 || s.opt.KeyFile != "" && now.Sub(s.turned.looked) > 200*time.Millisecond {
		s.turned.looked = now
		s.turned.version = max(s.turned.version, 1)
		if s.opt.KeyFile != "" {
			if n, err := readVersion(s.versionFile()); err != nil {
				s.opt.Log.Warn("the key version cannot be read; the last one is used", "err", err)
			} else {
				s.turned.version = max(s.turned.version, n)
			}
		}
	}
	return s.turned.version
}

func readVersion(path string) (int, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 1, nil
	} else if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s does not contain a key version", path)
	}
	return n, nil
}

// RotateDomainKeys turns the keys of all domains and returns their new version. From
// now on definitive pseudonyms are made under it, and convert exchanges old ones for
// new ones.
func (s *Sandbox) RotateDomainKeys() (int, error) {
	newest := s.keyVersion() + 1
	if s.opt.KeyFile != "" {
		if err := replaceFile(s.versionFile(), []byte(strconv.Itoa(newest)+"\n")); err != nil {
			return 0, fmt.Errorf("ttpsandbox: turning the keys: %w", err)
		}
	}
	s.turned.mu.Lock()
	defer s.turned.mu.Unlock()
	s.turned.version = newest
	return newest, nil
}

// replaceFile puts a whole file in place at once, readable only by its owner.
func replaceFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".ttp-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
