package ttpsandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

var base32Plain = base32.StdEncoding.WithPadding(base32.NoPadding)

// maker makes temporary pseudonyms for one call.
type maker struct {
	keys              *keyring
	domain, recipient string
	provider          string // empty: any provider may deliver what is made
	expires           time.Time
	// The nonces of a call with an idempotency key are made from seed, so that the
	// same call gets the same answer although no answer is kept. The seed covers the
	// whole body and the time, so that a nonce is never used for other content. Nil:
	// the nonces are random.
	seed []byte
	mac  hash.Hash // keyed with seed; nil until it is needed
}

// all makes a pseudonym of every one of types that p has the ingredients for.
func (m *maker) all(ref string, p person, types []string) []pseudonym {
	out := make([]pseudonym, 0, len(types))
	for _, t := range types {
		switch k := kinds[t]; {
		case !p.has(k):
		case k.postcode:
			for i, pc := range p.postcodes {
				h := m.keys.hash(t, pc.Postcode, pc.HouseNumber, normalise(pc.Suffix), p.birthDate, p.sex)
				out = append(out, m.one(fmt.Sprintf("%s/%d", ref, i), t, pc.RecordedOn, h))
			}
		case k.initial:
			out = append(out, m.one(ref, t, "", m.keys.hash(t, p.surname, p.birthDate, p.sex, p.initial)))
		default:
			out = append(out, m.one(ref, t, "", m.keys.hash(t, p.surname, p.birthDate, p.sex)))
		}
	}
	return out
}

func (m *maker) one(ref, typ, recordedOn string, precursor [sha256.Size]byte) pseudonym {
	plain := make([]byte, 0, 96)
	plain = append(plain, precursor[:]...)
	plain = binary.BigEndian.AppendUint64(plain, uint64(m.expires.Unix())) // after 1970
	plain = append(plain, byte(len(typ)))
	plain = append(plain, typ...)
	plain = append(plain, m.domain...)
	if m.provider != "" {
		plain = append(append(plain, 0), m.provider...)
	}

	sealed := m.nonce(ref, typ)
	sealed = m.keys.temporary.Seal(sealed, sealed, plain, []byte(m.recipient))
	return pseudonym{
		Type: typ, Value: base64.RawURLEncoding.EncodeToString(sealed),
		RecordedOn: recordedOn, ExpiresAt: m.expires,
	}
}

func (m *maker) nonce(ref, typ string) []byte {
	size := m.keys.temporary.NonceSize()
	out := make([]byte, size, 256)
	if m.seed == nil {
		_, _ = rand.Read(out) // never fails
		return out
	}
	if m.mac == nil {
		m.mac = hmac.New(sha256.New, m.seed)
	}
	m.mac.Reset()
	writeField(m.mac, ref)
	writeField(m.mac, typ)
	var sum [sha256.Size]byte
	copy(out, m.mac.Sum(sum[:0]))
	return out
}

// opened is the content of a temporary pseudonym.
type opened struct {
	precursor, typ, domain string
	provider               string // empty if it is bound to none
	expires                time.Time
}

// open reads a temporary pseudonym as recipient. It returns false if the pseudonym
// is damaged, invented or for another recipient.
func (k *keyring) open(value, recipient string) (opened, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	size := k.temporary.NonceSize()
	if err != nil || len(sealed) < size {
		return opened{}, false
	}
	plain, err := k.temporary.Open(nil, sealed[:size], sealed[size:], []byte(recipient))
	const fixed = sha256.Size + 8 + 1
	if err != nil || len(plain) < fixed || len(plain) < fixed+int(plain[fixed-1]) {
		return opened{}, false
	}
	typEnd := fixed + int(plain[fixed-1])
	domain, provider, _ := strings.Cut(string(plain[typEnd:]), "\x00")
	return opened{
		precursor: string(plain[:sha256.Size]),
		expires:   time.Unix(int64(binary.BigEndian.Uint64(plain[sha256.Size:])), 0).UTC(), // see maker.one
		typ:       string(plain[fixed:typEnd]),
		domain:    domain,
		provider:  provider,
	}, true
}

// definitive returns the domain's pseudonym of a precursor. It is deterministic
// encryption and not a hash, so that the TTP, and nobody else, can get the precursor
// back and convert between domains.
func (k *keyring) definitive(domain, typ string, version int, precursor string) (string, error) {
	key, err := k.domainKey(domain, version)
	if err != nil {
		return "", fmt.Errorf("ttpsandbox: deriving a key: %w", err)
	}
	sealed, err := key.EncryptDeterministically([]byte(precursor), []byte(typ))
	if err != nil {
		return "", fmt.Errorf("ttpsandbox: making a definitive pseudonym: %w", err)
	}
	return versionPrefix(version) + base32Plain.EncodeToString(sealed), nil
}

func versionPrefix(version int) string { return "v" + strconv.Itoa(version) + "." }
