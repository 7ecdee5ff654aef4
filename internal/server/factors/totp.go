package factors

import (
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"image"
	"image/color"
	"strconv"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"sluis/internal/account"
	"sluis/internal/server/page"
)

// The codes of an app (RFC 6238). Every app knows these values, and some know no others.
const (
	period = 30 // seconds
	digits = 6
	// skew is how many codes before and after the present one are accepted, because clocks
	// differ.
	skew = 1
	// secretBytes is the length of a secret, as RFC 4226 advises.
	secretBytes = 20
	issuer      = "Sluis"
	sealedAt    = "totp" // the place of a secret
)

// stepOf returns the number of the code of a moment.
func stepOf(at time.Time) int64 { return at.Unix() / period }

// match returns the step whose code was typed, or false if no code of about now is. It
// compares with every code, so that the time it takes does not show which is near.
func match(secret, typed string, now time.Time) (step int64, ok bool) {
	for s := stepOf(now) - skew; s <= stepOf(now)+skew; s++ {
		code, err := totp.GenerateCodeCustom(secret, time.Unix(s*period, 0), totp.ValidateOpts{
			Period: period, Digits: digits, Algorithm: otp.AlgorithmSHA1,
		})
		if err == nil && subtle.ConstantTimeCompare([]byte(code), []byte(typed)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// plainCode returns a typed code without the blanks that people type in it.
func plainCode(typed string) string { return strings.ReplaceAll(strings.TrimSpace(typed), " ", "") }

// secretOf opens the secret of an app.
func (h *Handlers) secretOf(u account.User, app account.TOTP) (string, error) {
	key, err := h.o.Keys.OpenKey(app.WrappedKey, u.PublicID)
	if err != nil {
		return "", err
	}
	secret, err := key.Open(app.Secret, sealedAt)
	return string(secret), err
}

// pendingNote is the note in a session with an app that its owner has not confirmed yet.
const pendingNote = "totp"

// pendingApp is an app that is being set up. Its secret is sealed, for a session is in the
// database.
type pendingApp struct{ Key, Secret []byte }

// pending returns the app that is being set up in this session, and begins one if there is
// none or if what there was cannot be opened.
func (h *Handlers) pending(v *page.Visit, u account.User) (account.TOTP, *otp.Key, error) {
	var p pendingApp
	if v.Find(pendingNote, &p) {
		app := account.TOTP{WrappedKey: p.Key, Secret: p.Secret}
		if secret, err := h.secretOf(u, app); err == nil {
			key, err := keyOf(u, secret)
			return app, key, errors.Join(err, v.Leave(pendingNote, p))
		}
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: u.Email, SecretSize: secretBytes})
	if err != nil {
		return account.TOTP{}, nil, err
	}
	sealer, wrapped, _, err := h.o.Keys.NewKey(u.PublicID)
	if err != nil {
		return account.TOTP{}, nil, err
	}
	sealed, err := sealer.Seal([]byte(key.Secret()), sealedAt)
	if err != nil {
		return account.TOTP{}, nil, err
	}
	return account.TOTP{WrappedKey: wrapped, Secret: sealed}, key, v.Leave(pendingNote, pendingApp{wrapped, sealed})
}

// keyOf returns a secret as the address that a QR code holds.
func keyOf(u account.User, secret string) (*otp.Key, error) {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return nil, err
	}
	return totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: u.Email, Secret: raw})
}

// grouped writes a secret in groups of four, as people type it.
func grouped(secret string) string {
	var groups []string
	for len(secret) > 4 {
		groups, secret = append(groups, secret[:4]), secret[4:]
	}
	return strings.Join(append(groups, secret), " ")
}

// quiet is the width of the light border of a QR code, in modules.
const quiet = 4

// qrPath returns a QR code as the path of an SVG, and the length of its sides. A path needs
// neither a file nor inline style.
func qrPath(address string) (path string, size int, err error) {
	code, err := qr.Encode(address, qr.M, qr.Auto)
	if err != nil {
		return "", 0, errors.New("factors: the QR code cannot be made") // the library's error may repeat the secret
	}
	var b strings.Builder
	bounds := code.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if dark(code, x, y) {
				b.WriteString("M" + strconv.Itoa(x-bounds.Min.X+quiet) + " " + strconv.Itoa(y-bounds.Min.Y+quiet) + "h1v1h-1z")
			}
		}
	}
	return b.String(), bounds.Dx() + 2*quiet, nil
}

func dark(code image.Image, x, y int) bool {
	return color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128 //nolint:forcetypeassert // GrayModel makes nothing else
}
