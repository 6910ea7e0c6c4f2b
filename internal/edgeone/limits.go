package edgeone

import (
	"unicode/utf8"

	"github.com/edgepurge/edgepurge/purge"
)

// MaxBody is the most bytes of a request's body: "10 MB" for a POST with a TC3 signature (EdgeOne
// API docs, request structure), read as the smaller of the two megabytes. A larger call is refused
// here as TooLarge, unsent.
const MaxBody = 10_000_000

// Ceiling returns the most targets that one call of the type may hold in any plan (EdgeOne FAQ, site
// acceleration); a plan's quota can be lower. An unknown type has 0.
func Ceiling(typ purge.Type) int {
	switch typ {
	case purge.URL:
		return 5000
	case purge.Prefix, purge.Host:
		return 1000
	case purge.Tag:
		return 100
	case purge.All:
		return 1
	}
	return 0
}

// TargetBytes returns how many bytes s takes as an item of a list in the body: quotes, comma and
// escapes included. The SDK's encoder writes &, < and > as six bytes each.
func TargetBytes(s string) int {
	const framing = len(`"",`)
	n := framing
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		n += encodedBytes(r, size)
		i += size
	}
	return n
}

func encodedBytes(r rune, size int) int {
	const short, long = len(`\n`), len(`\u0026`)
	switch {
	case r == '"', r == '\\', r == '\n', r == '\r', r == '\t':
		return short
	case r < ' ', r == '&', r == '<', r == '>', r == '\u2028', r == '\u2029':
		return long
	case r == utf8.RuneError && size == 1: // invalid UTF-8 becomes \ufffd
		return long
	}
	return size
}
