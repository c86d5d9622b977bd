// Package shadow makes and checks the lines that stand for passwords in an
// image: name:$pbkdf2-sha256$ROUNDS$SALT$HASH, salt and hash in base64. Whoever
// finds one still has to guess, slowly. PID 1 does not link it.
package shadow

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"slashdev/init/emergency"
)

// File is where the builder puts the lines of an image.
const File = emergency.Passwords

// rounds take a Raspberry Pi 3 a fifth of a second.
const (
	rounds    = 100_000
	maxRounds = 10_000_000 // a damaged line must not keep a login busy for ever
)

const scheme = "pbkdf2-sha256"

// Line returns the line for a user. The same salt gives the same line, so that
// images stay reproducible; it should differ between machines.
func Line(user, password string, salt []byte) (string, error) {
	hash, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding.EncodeToString
	return user + ":$" + scheme + "$" + strconv.Itoa(rounds) + "$" + enc(salt) + "$" + enc(hash) + "\n", nil
}

// ErrNone says that a text has no usable line for a user.
var ErrNone = errors.New("no usable password")

// Hash is what a line says of a password.
type Hash struct {
	rounds     int
	salt, hash []byte
}

// Find returns a user's.
func Find(text, user string) (Hash, error) {
	for l := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSuffix(l, "\n"), user+":$"+scheme+"$"); ok {
			return parse(strings.Split(rest, "$"))
		}
	}
	return Hash{}, ErrNone
}

func parse(f []string) (h Hash, err error) {
	if len(f) != 3 {
		return Hash{}, ErrNone
	}
	var errs [3]error
	h.rounds, errs[0] = strconv.Atoi(f[0])
	h.salt, errs[1] = base64.RawStdEncoding.DecodeString(f[1])
	h.hash, errs[2] = base64.RawStdEncoding.DecodeString(f[2])
	if errors.Join(errs[:]...) != nil || h.rounds < 1 || h.rounds > maxRounds || len(h.hash) != sha256.Size {
		return Hash{}, ErrNone
	}
	return h, nil
}

// Of says whether it is that of a password, in a time that does not depend on
// how much of it is right.
func (h Hash) Of(password string) bool {
	got, err := pbkdf2.Key(sha256.New, password, h.salt, h.rounds, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(got, h.hash) == 1
}
