package ttpsandbox

import (
	"net/http"
	"strings"
)

type convertRequest struct {
	From  string        `json:"from"`
	To    string        `json:"to"`
	Items []convertItem `json:"items"`
}

type convertItem struct {
	Ref        string `json:"ref"`
	Type       string `json:"type"`
	Value      string `json:"value"`
	KeyVersion int    `json:"keyVersion"`
}

// convert exchanges definitive pseudonyms of one domain for those of another, under
// the newest key. After the TTP has turned its keys, a registry calls it with the
// same domain twice to get its pseudonyms under the new key.
func (s *Sandbox) convert(c call) (*answer, *problem) {
	var req convertRequest
	if p := decode(c.body, &req); p != nil {
		return nil, p
	}
	refs := make([]string, len(req.Items))
	for i := range req.Items {
		refs[i] = req.Items[i].Ref
	}
	for _, domain := range []string{req.From, req.To} {
		if p := s.allowed(c.client, domain, refs); p != nil {
			return nil, p
		}
	}
	newest := s.keyVersion()
	a := &answer{Items: make([]answerItem, len(req.Items))}
	for i, item := range req.Items {
		a.Items[i].Ref = item.Ref
		precursor, ok := s.keys.precursorOf(req.From, item.Type, item.KeyVersion, item.Value)
		if !ok || item.KeyVersion > newest {
			a.Items[i].Findings = []finding{definitiveUnknown.at(item.Type)}
			continue
		}
		value, err := s.keys.definitive(req.To, item.Type, newest, precursor)
		if err != nil {
			return nil, &problem{Status: http.StatusInternalServerError, Code: "INTERNAL", Title: "The TTP cannot do this now"}
		}
		a.Items[i].Type, a.Items[i].Value, a.Items[i].KeyVersion = item.Type, value, newest
	}
	return a, nil
}

// precursorOf returns the precursor that a definitive pseudonym was made of. It
// returns false if value is no pseudonym of this domain, type and key version.
func (k *keyring) precursorOf(domain, typ string, version int, value string) (string, bool) {
	encoded, ok := strings.CutPrefix(value, versionPrefix(version))
	if !ok || version < 1 {
		return "", false
	}
	sealed, err := base32Plain.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	key, err := k.domainKey(domain, version)
	if err != nil {
		return "", false
	}
	plain, err := key.DecryptDeterministically(sealed, []byte(typ))
	_, known := kinds[typ]
	return string(plain), err == nil && known
}
