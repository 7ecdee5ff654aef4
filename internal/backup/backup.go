// Package backup is what a backup of the database holds and proves: a copy of the
// database, and a manifest that says of what moment it is and what is in it.
//
// It never holds a key. Whoever has a backup has sealed rows that only the keyring opens,
// and the keyring is in no backup of the database.
package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sluis/internal/delivery"
)

// The files in the folder of a backup. The manifest is written last: a folder without one
// is no backup.
const (
	DatabaseFile = "sluis.db"
	ManifestFile = "manifest.json"
)

// format is the version of the manifest's form.
const format = 1

// Manifest says what a backup is.
type Manifest struct {
	Format     int       `json:"format"`
	MadeAt     time.Time `json:"madeAt"` // the copy is of this moment or a little later
	Version    string    `json:"version"`
	Commit     string    `json:"commit"`
	Schema     int64     `json:"schema"`
	Bytes      int64     `json:"bytes"`
	SHA256     string    `json:"sha256"` // of the copy
	Patients   int       `json:"patients"`
	Pseudonyms int       `json:"pseudonyms"`
	// Records and Root are the access log's: how many records, and the hash over all.
	Records int64  `json:"auditRecords"`
	Root    string `json:"auditRoot"`
	// Keys are the ids of the wrapping keys that deliveries under way need.
	Keys       []string       `json:"keys"`
	Sums       string         `json:"sums"` // digest of Deliveries
	Deliveries []delivery.Sum `json:"deliveries"`
}

// Digest returns the hash over the sums of deliveries.
func Digest(sums []delivery.Sum) string {
	h := sha256.New()
	for _, d := range sums {
		fmt.Fprintf(h, "%s %s %s %s %d %s %+v\n", d.PublicID, d.Centre, d.State, d.Kind, d.At.UnixMilli(), d.KeyID, d.Counts)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Prepare makes the folder of a new backup, or accepts an empty one.
func Prepare(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("look into the folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: each backup has a folder of its own, such as %s", folder,
			filepath.Join(folder, time.Now().UTC().Format("2006-01-02T1504")))
	}
	return nil
}

// Write completes a backup: it measures the copy, and writes the manifest.
func Write(folder string, m Manifest) (Manifest, error) {
	m.Format, m.Sums = format, Digest(m.Deliveries)
	var err error
	if m.Bytes, m.SHA256, err = measure(filepath.Join(folder, DatabaseFile)); err != nil {
		return m, err
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	next := filepath.Join(folder, ManifestFile+".next")
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return m, fmt.Errorf("write the manifest: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return m, fmt.Errorf("write the manifest: %w", err)
	}
	if err := os.Rename(next, filepath.Join(folder, ManifestFile)); err != nil {
		return m, fmt.Errorf("write the manifest: %w", err)
	}
	SyncFolder(folder)
	return m, nil
}

// Read returns the manifest of a backup. It fails if the copy is not the one that the
// manifest is about.
func Read(folder string) (Manifest, error) {
	var m Manifest
	raw, err := os.ReadFile(filepath.Join(folder, ManifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return m, fmt.Errorf("%s has no %s: it is no backup, or one that was not finished", folder, ManifestFile)
	} else if err != nil {
		return m, fmt.Errorf("read the manifest: %w", err)
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Format != format {
		return m, fmt.Errorf("%s is no manifest that this program knows", filepath.Join(folder, ManifestFile))
	}
	size, sum, err := measure(filepath.Join(folder, DatabaseFile))
	switch {
	case err != nil:
		return m, err
	case size != m.Bytes || sum != m.SHA256:
		return m, fmt.Errorf("%s is not the file that the manifest is about: it was changed or damaged",
			filepath.Join(folder, DatabaseFile))
	case m.Sums != Digest(m.Deliveries):
		return m, fmt.Errorf("the manifest in %s was changed", folder)
	}
	return m, nil
}

// measure returns the size and the hash of a file.
func measure(path string) (int64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", fmt.Errorf("read the copy: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return 0, "", fmt.Errorf("read the copy: %w", err)
	}
	return n, hex.EncodeToString(h.Sum(nil)), nil
}

// SyncFolder makes new names in a folder durable. It ignores errors: not every file
// system can.
func SyncFolder(folder string) {
	if d, err := os.Open(folder); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// Place copies the database of a backup to a path at which there is none. A crash leaves
// no half of it there.
func Place(folder, path string) (err error) {
	in, err := os.Open(filepath.Join(folder, DatabaseFile))
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	defer func() { _ = in.Close() }()
	next := path + ".restoring"
	out, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	defer func() { _ = os.Remove(next) }()
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	SyncFolder(filepath.Dir(path))
	return nil
}

// Beside returns the files at and next to a SQLite database that belong to its data.
func Beside(path string) []string {
	var there []string
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if _, err := os.Stat(path + suffix); err == nil {
			there = append(there, path+suffix)
		}
	}
	return there
}

// SetAside renames a database and the files next to it, and returns the database's new
// path. Nothing is deleted.
func SetAside(path string, at time.Time) (string, error) {
	aside := path + ".before-restore-" + at.UTC().Format("20060102T150405Z")
	for _, file := range slices.Backward(Beside(path)) { // the log before the database that it belongs to
		if err := os.Rename(file, aside+file[len(path):]); err != nil {
			return "", fmt.Errorf("set the present database aside: %w", err)
		}
	}
	SyncFolder(filepath.Dir(path))
	return aside, nil
}

// UnderWay returns the deliveries that had not ended when the backup was made.
func (m Manifest) UnderWay() []delivery.Sum {
	var out []delivery.Sum
	for _, d := range m.Deliveries {
		if !d.State.Final() {
			out = append(out, d)
		}
	}
	return out
}

// Last returns the last delivery of each centre in the backup, by its number. Whatever the
// centre delivered after it must come again.
func (m Manifest) Last() map[string]delivery.Sum {
	out := map[string]delivery.Sum{}
	for _, d := range m.Deliveries {
		out[d.Centre] = d
	}
	return out
}

// Lost returns the deliveries of a later database that the backup does not have, or that
// had ended there and not here.
func (m Manifest) Lost(later []delivery.Sum) []delivery.Sum {
	known := make(map[string]delivery.State, len(m.Deliveries))
	for _, d := range m.Deliveries {
		known[d.PublicID] = d.State
	}
	var out []delivery.Sum
	for _, d := range later {
		state, ok := known[d.PublicID]
		if d.State == delivery.Refused || d.State == delivery.Cancelled || d.State == delivery.Failed {
			continue // nothing of it was stored
		}
		if !ok || d.State == delivery.Done && state != delivery.Done && state.Final() {
			out = append(out, d)
		}
	}
	return out
}
