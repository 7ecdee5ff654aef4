package identity

import (
	"bytes"
	"database/sql/driver"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"
)

const canary = "Qzwxecrvtb"

func full() Identity {
	return New(Fields{
		Surname: canary, Prefix: canary, Initials: canary, BirthDate: canary, Sex: canary,
		Postcodes: []Postcode{{Postcode: canary, HouseNumber: canary, Suffix: canary, RecordedOn: canary}},
	})
}

// holder has an identity in unexported fields, whose methods fmt cannot call.
type holder struct {
	id   Identity
	list []Identity
}

func TestNothingPrintsAnIdentity(t *testing.T) {
	id := full()
	h := holder{id, []Identity{id}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%T"} {
		for _, v := range []any{id, &id, h, &h, []Identity{id}, map[string]Identity{"a": id}, errors.New(fmt.Sprint(h)), Item{"r", id}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "id", id, "holder", h, "pointer", &h)
	}
	func() {
		defer func() { fmt.Fprintf(&out, "%v", recover()) }()
		panic(h)
	}()
	_ = template.Must(template.New("").Parse("{{.}} {{.Ref}}")).Execute(&out, Item{"r", id})
	if strings.Contains(out.String(), canary) {
		t.Errorf("an identity was printed:\n%s", out.String())
	}
	if !strings.Contains(out.String(), hidden) {
		t.Error("nothing was printed in place of an identity")
	}
}

func TestNothingStoresAnIdentity(t *testing.T) {
	id := full()
	if _, err := json.Marshal(struct{ ID Identity }{id}); err == nil {
		t.Error("JSON took an identity")
	}
	if _, err := xml.Marshal(struct{ ID Identity }{id}); err == nil {
		t.Error("XML took an identity")
	}
	if err := gob.NewEncoder(&bytes.Buffer{}).Encode(struct{ ID Identity }{id}); err == nil {
		t.Error("gob took an identity")
	}
	var v driver.Valuer = id
	if _, err := v.Value(); err == nil {
		t.Error("a database took an identity")
	}
}

func TestForgetEmptiesEveryCopy(t *testing.T) {
	id := full()
	other := id
	if id.Reveal().Surname != canary {
		t.Fatal("the identity lost its surname")
	}
	other.Forget()
	if f := id.Reveal(); f.Surname != "" || f.Postcodes != nil {
		t.Error("a copy kept the values")
	}
	Identity{}.Forget()
}
