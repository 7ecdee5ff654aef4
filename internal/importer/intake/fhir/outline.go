package fhir

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// Outline says what is at each place of a resource that somebody posts: a Bundle, or
// one Patient. The places are the lines of its rows.
type Outline struct {
	Bundle  bool
	Type    string // of the Bundle, such as batch
	Entries int    // of the Bundle; 1 for a Patient
	Spots   []Spot // by place, the first is place 1; none if there are Many
	Many    bool   // there are more than MaxSpots
}

// MaxSpots is the largest number of resources in an Outline. It bounds the memory of an
// outline, and the size of an answer that is made from it.
const MaxSpots = 5000

// Spot is a resource in an entry. An entry that is itself a Bundle has several.
type Spot struct {
	Entry      int    // from 0
	Expression string // FHIRPath, such as Bundle.entry[3].resource
	Holds      Held
}

// Held is what a spot holds, as far as Sluis cares.
type Held int

// What a spot can hold.
const (
	HoldsPatient Held = iota // or something that cannot be read as any resource, which is rejected as a row
	HoldsOther               // a resource that is passed over
	HoldsRequest             // a request to do something else than to store, such as DELETE
)

// The errors of ReadOutline. They say nothing of what was read.
var (
	ErrMalformed = errors.New("fhir: not one resource in JSON")
	ErrNotTaken  = errors.New("fhir: neither a Bundle nor a Patient")
)

// ReadOutline reads a resource to its end, an entry at a time. Its places are those
// that Source counts in the same text.
func ReadOutline(r io.Reader) (Outline, error) {
	text := bufio.NewReader(r)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	var o Outline
	kind, err := o.read(json.NewDecoder(text))
	switch {
	case err != nil:
		return Outline{}, ErrMalformed
	case kind == "Bundle":
		o.Bundle = true
	case kind == "Patient" && o.Entries == 0:
		o.Entries, o.Spots = 1, []Spot{{Expression: "Patient"}}
	default:
		return Outline{}, ErrNotTaken
	}
	return o, nil
}

// read reads the members of the one object that there is, and returns its
// resourceType.
func (o *Outline) read(d *json.Decoder) (kind string, err error) {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", ErrMalformed
	}
	listed := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return "", err
		}
		switch {
		case key == "resourceType":
			err = decodeText(d, &kind)
		case key == "type":
			err = decodeText(d, &o.Type)
		case key == "entry" && !listed:
			listed, err = true, o.entries(d)
		default:
			err = d.Decode(&unread{})
		}
		if err != nil {
			return "", err
		}
	}
	if _, err := d.Token(); err != nil {
		return "", err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", ErrMalformed
	}
	return kind, nil
}

func (o *Outline) entries(d *json.Decoder) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return ErrMalformed
	}
	for ; d.More(); o.Entries++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		var e bundleEntry
		if !decodes(raw, &e) {
			e = bundleEntry{}
		}
		o.add(e, o.Entries, 1, "Bundle.entry["+strconv.Itoa(o.Entries)+"].resource")
	}
	_, err := d.Token()
	return err
}

// add notes the spots of one entry.
func (o *Outline) add(e bundleEntry, entry, depth int, path string) {
	spot := Spot{Entry: entry, Expression: path}
	raw := e.resource()
	var kind struct {
		ResourceType any `json:"resourceType"`
	}
	var pages bundle
	switch {
	case !e.stores():
		spot.Holds = HoldsRequest
	case raw[0] != '{' || !decodes(raw, &kind):
	case kind.ResourceType == "Bundle" && depth < maxBundles:
		if !decodes(raw, &pages) {
			break
		}
		for i, inner := range pages.Entry {
			o.add(inner, entry, depth+1, path+".entry["+strconv.Itoa(i)+"].resource")
		}
		return
	case kind.ResourceType != "Patient":
		spot.Holds = HoldsOther
	}
	if o.Many = o.Many || len(o.Spots) == MaxSpots; o.Many {
		o.Spots = nil
		return
	}
	o.Spots = append(o.Spots, spot)
}

// decodeText reads a text; any other value counts as none.
func decodeText(d *json.Decoder, into *string) error {
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	*into, _ = v.(string)
	return nil
}

// unread is a value that is passed over.
type unread struct{}

// UnmarshalJSON does nothing.
func (*unread) UnmarshalJSON([]byte) error { return nil }

// bundle is a Bundle that is in memory.
type bundle struct {
	Entry []bundleEntry `json:"entry"`
}

// bundleEntry is an entry of a Bundle.
type bundleEntry struct {
	Resource json.RawMessage `json:"resource"`
	Request  json.RawMessage `json:"request"`
}

// resource is what the entry asks to store: an empty object if that is nothing.
func (e bundleEntry) resource() json.RawMessage {
	if len(e.Resource) == 0 || !e.stores() {
		return json.RawMessage("{}")
	}
	return e.Resource
}

// stores reports whether the entry asks to store its resource. What comes with DELETE
// or PATCH must not become a patient.
func (e bundleEntry) stores() bool {
	var request struct {
		Method string `json:"method"`
	}
	if len(e.Request) == 0 || !decodes(e.Request, &request) {
		return true
	}
	return request.Method == "" || request.Method == "POST" || request.Method == "PUT"
}
