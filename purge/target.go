package purge

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTarget is the greatest length of a target in bytes, as it is written. A canonical form may have up to three times
// as many, for each byte that must be percent-encoded becomes three.
const MaxTarget = 8192

// Canonical returns the canonical form of a target: what is sent to EdgeOne, and what tells whether two targets are the
// same. An error is a *Reason with CodeInvalidTarget and no field, for only the caller knows the target's place.
//
//   - URL and Prefix, also the empty Type: see CanonicalURL.
//   - Host: a host as in a URL, lower-cased and in punycode; no wildcard, no port.
//   - Tag: as it is. EdgeOne reads tags from a comma-separated header, so that none begins or ends with a space or comma.
//   - All takes no targets: always an error.
//
// Whatever the type, a target is not valid when it is empty, longer than MaxTarget, not UTF-8, or has a control character.
func Canonical(t Type, target string) (string, error) {
	switch t {
	case URL, Prefix, "":
		return CanonicalURL(target)
	case Host:
		if _, err := examine(target); err != nil {
			return "", err
		}
		return canonicalHost(target)
	case Tag:
		return canonicalTag(target)
	case All:
		return "", invalidTarget("type all takes no targets: it purges the whole zone")
	default:
		return "", invalidTarget("the request's type is not known; use url, prefix, host, tag or all")
	}
}

func canonicalTag(tag string) (string, error) {
	if _, err := examine(tag); err != nil {
		return "", err
	}
	if strings.ContainsRune(", ", rune(tag[0])) || strings.ContainsRune(", ", rune(tag[len(tag)-1])) {
		return "", invalidTarget("a tag can't begin or end with a comma or a space; give each tag as a target of its own")
	}
	return tag, nil
}

func invalidTarget(message string) error {
	return &Reason{Code: CodeInvalidTarget, Message: message}
}

// traits says what the bytes of a target ask for.
type traits uint8

const (
	hasPercent traits = 1 << iota // may begin an escape
	hasRefused                    // printable ASCII that a URL can't have
	hasControl                    // C0 or DEL
	hasHigh                       // not ASCII
)

var traitsOf = tabulate()

// tabulate follows RFC 3986, section 2: a URL is made of unreserved and reserved characters and '%'.
func tabulate() (table [256]traits) {
	const allowed = "-._~" + ":/?#[]@" + "!$&'()*+,;="
	for i := range table {
		c := byte(i)
		switch {
		case c < ' ' || c == 0x7f:
			table[i] = hasControl
		case c >= utf8.RuneSelf:
			table[i] = hasHigh
		case c == '%':
			table[i] = hasPercent
		case !isLower(c) && !isUpper(c) && !isDigit(c) && strings.IndexByte(allowed, c) < 0:
			table[i] = hasRefused
		}
	}
	return table
}

// examine makes the checks that targets of every type have in common.
func examine(target string) (traits, error) {
	switch {
	case target == "":
		return 0, invalidTarget("the target is empty")
	case len(target) > MaxTarget:
		return 0, invalidTarget("the target has " + strconv.Itoa(len(target)) + " bytes, more than " + strconv.Itoa(MaxTarget))
	}
	var all traits
	for i := range len(target) {
		all |= traitsOf[target[i]]
	}
	if all&hasHigh != 0 && !utf8.ValidString(target) {
		return 0, invalidTarget("the target is not UTF-8")
	}
	if all&hasControl != 0 || all&hasHigh != 0 && strings.ContainsFunc(target, unicode.IsControl) {
		return 0, invalidTarget("the target has a control character, such as a tab or a line break")
	}
	return all, nil
}
