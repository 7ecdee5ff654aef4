package conversion

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sluis/internal/filemode"
)

// KeyFile is the path of the signing key: in the keyring's folder.
func KeyFile(keyring string) string { return filepath.Join(filepath.Dir(keyring), "proof-key.pem") }

// SigningKey reads the key of the registry's signatures (PKCS #8 in PEM). It makes one if
// there is none.
func SigningKey(path string) (ed25519.PrivateKey, error) {
	if err := filemode.CheckOwner(path); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block != nil {
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if k, ok := key.(ed25519.PrivateKey); ok && err == nil {
			return k, nil
		}
	}
	return nil, fmt.Errorf("%s is no Ed25519 key in PEM form", path)
}

func makeKey(path string) (ed25519.PrivateKey, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) { // another process was first
		return SigningKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	// For whoever checks a signature with another program.
	return key, os.WriteFile(path+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), 0o600)
}

// Public is the public half of a signing key.
func Public(key ed25519.PrivateKey) ed25519.PublicKey {
	public, _ := key.Public().(ed25519.PublicKey)
	return public
}

// PublicKey reads a public key, or the public half of a signing key.
func PublicKey(path string) (ed25519.PublicKey, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if block, _ := pem.Decode(raw); block != nil && block.Type == "PUBLIC KEY" {
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if k, ok := key.(ed25519.PublicKey); ok && err == nil {
			return k, nil
		}
	}
	key, err := SigningKey(path)
	if err != nil {
		return nil, err
	}
	return Public(key), nil
}
