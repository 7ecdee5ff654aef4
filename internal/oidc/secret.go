package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sluis/internal/filemode"
)

// maxSecret is the largest file with a secret, in bytes.
const maxSecret = 64 << 10

// SecretFile returns a reader of the secret in a file of a folder. name is a name and not
// a path: whoever chooses it cannot leave the folder, not by a link either.
func SecretFile(folder, name string) func() (string, error) {
	return func() (string, error) {
		if folder == "" || name == "" {
			return "", fault(SecretMissing)
		}
		root, err := os.OpenRoot(folder)
		if err != nil {
			return "", fault(SecretMissing)
		}
		defer func() { _ = root.Close() }()
		file, err := root.Open(name)
		if err != nil {
			return "", fault(SecretMissing)
		}
		defer func() { _ = file.Close() }()
		if filemode.CheckGroup(filepath.Join(folder, name)) != nil {
			return "", fault(SecretOpen)
		}
		raw, err := io.ReadAll(io.LimitReader(file, maxSecret))
		if err != nil {
			return "", fault(SecretMissing)
		}
		secret := strings.TrimSpace(string(raw))
		if secret == "" {
			return "", fault(SecretInvalid)
		}
		return secret, nil
	}
}

// authenticate makes a call to the token endpoint say who we are: by a secret, or by a
// text signed with a private key if that is what the file has.
func (c *Client) authenticate(s Settings, d Document, config *oauth2.Config) ([]oauth2.AuthCodeOption, error) {
	secret, err := s.Secret()
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(secret, "-----BEGIN ") {
		assertion, err := c.assertion(s, d, []byte(secret))
		if err != nil {
			return nil, err
		}
		config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
		return []oauth2.AuthCodeOption{
			oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
			oauth2.SetAuthURLParam("client_assertion", assertion),
		}, nil
	}
	config.ClientSecret = secret
	config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if slices.Contains(d.AuthMethods, "client_secret_post") {
		config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return nil, nil
}

// assertionLife is how long a signed text about ourselves can be used.
const assertionLife = time.Minute

// assertion signs who we are (RFC 7523). A certificate in the file is named by its
// thumbprint, which Entra ID asks for.
func (c *Client) assertion(s Settings, d Document, file []byte) (string, error) {
	key, thumbprint, err := readKey(file)
	if err != nil {
		return "", err
	}
	now := c.now()
	header := map[string]any{"typ": "JWT"}
	if thumbprint != "" {
		header["x5t#S256"] = thumbprint
	}
	return sign(key, header, map[string]any{
		"iss": s.ClientID, "sub": s.ClientID, "aud": d.TokenEndpoint, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
}

// readKey reads a private key in PEM, and the thumbprint of a certificate that is with it.
func readKey(file []byte) (key crypto.Signer, thumbprint string, err error) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			sum := sha256.Sum256(block.Bytes)
			thumbprint = base64.RawURLEncoding.EncodeToString(sum[:])
		case "PRIVATE KEY":
			parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, "", fault(SecretInvalid)
			}
			key, _ = parsed.(crypto.Signer)
		case "RSA PRIVATE KEY":
			if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
				return nil, "", fault(SecretInvalid)
			}
		case "EC PRIVATE KEY":
			if key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
				return nil, "", fault(SecretInvalid)
			}
		}
	}
	if key == nil {
		return nil, "", fault(SecretInvalid)
	}
	return key, thumbprint, nil
}

// sign makes a JWT, by RS256 or ES256.
func sign(key crypto.Signer, header, claims map[string]any) (string, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		header["alg"] = "RS256"
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P256() {
			return "", fault(SecretInvalid)
		}
		header["alg"] = "ES256"
	default:
		return "", fault(SecretInvalid)
	}
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			return "", err
		}
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	default:
		if signature, err = key.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
			return "", err
		}
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
