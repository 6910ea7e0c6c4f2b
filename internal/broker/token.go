package broker

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode/utf8"
)

// maxToken is how long a token may be as it is; a server closes the connection of one whose subject
// does not fit into a control line of 4,096 bytes.
const maxToken = 128

// token makes a string that others choose fit into a subject: what NATS gives a meaning, what its
// index can't hold, and what JSON would change on its way into a question about the subject, is
// encoded.
func token(s string) string {
	odd := func(r rune) bool { return r <= ' ' || strings.ContainsRune(".*>%\x7f", r) }
	if s != "" && len(s) <= maxToken && utf8.ValidString(s) && !strings.ContainsFunc(s, odd) {
		return s
	}
	if len(s) > maxToken {
		sum := sha256.Sum256([]byte(s))
		s = string(sum[:])
	}
	return "%" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(s))
}

// untoken reads what token wrote, except a name that was too long.
func untoken(s string) string {
	encoded, ok := strings.CutPrefix(s, "%")
	if !ok {
		return s
	}
	name, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(encoded)
	if err != nil {
		return s
	}
	return string(name)
}
