package tree

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sluis/internal/audit"
)

// TestGrowth compares our edge of the tree, and the stored hashes, with the library's.
func TestGrowth(t *testing.T) {
	var stored []Hash
	read := func(indexes []int64) ([]Hash, error) {
		out := make([]Hash, len(indexes))
		for i, n := range indexes {
			if n >= int64(len(stored)) {
				return nil, errors.New("not stored yet")
			}
			out[i] = stored[n]
		}
		return out, nil
	}
	var edge Edge
	for n := int64(1); n <= 600; n++ {
		leaf := Leaf([]byte{byte(n), byte(n >> 8)}, nil)
		if int64(len(stored)) != Index(n) {
			t.Fatalf("record %d: %d hashes stored, its index is %d", n, len(stored), Index(n))
		}
		grown, err := tlog.StoredHashesForRecordHash(n-1, leaf, tlog.HashReaderFunc(read))
		if err != nil {
			t.Fatal(err)
		}
		if mine := edge.Add(leaf, nil); !reflect.DeepEqual(mine, grown) {
			t.Fatalf("record %d: %v, want %v", n, mine, grown)
		}
		stored = append(stored, grown...)
		if again, err := ReadEdge(n, read); err != nil || !reflect.DeepEqual(again, edge) {
			t.Fatalf("edge of %d read back: %v, want %v (%v)", n, again, edge, err)
		}
		root, err := Root(n, read)
		if err != nil || root != edge.root() {
			t.Fatalf("root of %d: %v, want %v (%v)", n, edge.root(), root, err)
		}
		if size, whole := Size(int64(len(stored))); size != n || !whole {
			t.Errorf("%d hashes: size %d, whole %v, want %d", len(stored), size, whole, n)
		}
		if len(grown) > 1 {
			if _, whole := Size(int64(len(stored)) - 1); whole {
				t.Errorf("%d hashes are a whole tree", len(stored)-1)
			}
		}
	}
	if (&Edge{}).root() != must(tlog.TreeHash(0, nil)) {
		t.Error("the root of nothing")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestEveryFieldIsEncoded changes each field of an event, and expects other bytes.
func TestEveryFieldIsEncoded(t *testing.T) {
	notStored := map[string]bool{"CentreNumber": true, "SubjectCount": true} // filled when read back, from elsewhere
	base := audit.Event{At: time.UnixMilli(1), Subjects: []audit.Subject{{PatientID: 1, Action: audit.Read}}}
	var change func(v reflect.Value, path string)
	var ev audit.Event
	change = func(v reflect.Value, path string) {
		for i := range v.NumField() {
			name := path + v.Type().Field(i).Name
			f := v.Field(i)
			if f.Kind() == reflect.Struct && name != "At" {
				change(f, name+".")
				continue
			}
			before := f.Interface()
			switch f.Kind() {
			case reflect.String:
				f.SetString("x")
			case reflect.Int, reflect.Int64:
				f.SetInt(f.Int() + 1)
			case reflect.Struct:
				f.Set(reflect.ValueOf(time.UnixMilli(2)))
			case reflect.Slice:
				f.Set(reflect.ValueOf([]audit.Subject{{PatientID: 2, Action: audit.Read}}))
			default:
				t.Fatalf("%s: a kind that this test does not know", name)
			}
			if same := string(Encode(ev)) == string(Encode(base)); same != notStored[name] {
				t.Errorf("%s: same bytes %v", name, same)
			}
			f.Set(reflect.ValueOf(before))
		}
	}
	ev = base
	change(reflect.ValueOf(&ev).Elem(), "")
	// The order of subjects is the database's, and means nothing.
	a, b := audit.Subject{PatientID: 5, Action: audit.Read}, audit.Subject{PatientID: 9, Action: audit.Update}
	if string(Encode(audit.Event{Subjects: []audit.Subject{a, b}})) != string(Encode(audit.Event{Subjects: []audit.Subject{b, a}})) {
		t.Error("the order of subjects is encoded")
	}
	// No two fields run into each other.
	if string(Encode(audit.Event{ObjectType: "ab"})) == string(Encode(audit.Event{ObjectType: "a", ObjectID: "b"})) {
		t.Error("fields without their lengths")
	}
}

// TestKeyFile: the key is made once, for its owner only; a second key above it takes over,
// and both verify.
func TestKeyFile(t *testing.T) {
	path := KeyFile(filepath.Join(t.TempDir(), "keyring.json"))
	first := must(OpenKey(path))
	if info := must(os.Stat(path)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	record := []byte("record")
	seal := first.Seal(record)
	head := newHead(1, Hash{1}, time.Unix(0, 0), []Hash{{2}})
	signed := string(must(head.sign(first)))
	if again := must(OpenKey(path)); !again.sealed(record, seal) || again.sealed([]byte("recorc"), seal) {
		t.Error("the key that was read again is another one")
	}
	public := must(OpenPublicKey(path + ".pub"))
	if _, err := parseHead(signed, public); err != nil || public.CanSeal() || public.Seal(record) != nil {
		t.Errorf("public half: %v", err)
	}
	if _, err := head.sign(public); err == nil {
		t.Error("signed with the public half")
	}

	second := filepath.Join(t.TempDir(), "audit-key")
	must(OpenKey(second))
	if err := os.WriteFile(path, append(must(os.ReadFile(second)), must(os.ReadFile(path))...), 0o600); err != nil {
		t.Fatal(err)
	}
	both := must(OpenKey(path))
	if !both.sealed(record, seal) || string(both.Seal(record)) == string(seal) {
		t.Error("a new key above the old one")
	}
	if _, err := parseHead(signed, both); err != nil {
		t.Errorf("a head of the old key: %v", err)
	}

	if err := os.WriteFile(path, []byte("PRIVATE+KEY+x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(path); err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("a damaged key: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

// TestHeadSaysNothingOfRecords: what leaves the database are numbers and hashes.
func TestHeadSaysNothingOfRecords(t *testing.T) {
	leaf := Leaf(Encode(audit.Event{ID: 1, Who: audit.Who{Name: "naam@example.nl"}, Reason: "reden"}), nil)
	signed := string(must(newHead(1, leaf, time.Unix(0, 0), []Hash{leaf}).sign(must(NewKey()))))
	for _, word := range []string{"naam", "reden"} {
		if strings.Contains(signed, word) {
			t.Errorf("%s is in the head", word)
		}
	}
	if lines := strings.Split(signed, "\n"); lines[0] != "sluis access log" || lines[1] != "1" ||
		!strings.HasPrefix(lines[7], "— sluis-access-log ") {
		t.Errorf("%q", signed)
	}
}
