package canonical

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTarget is the greatest length of a target in bytes, without white space at its ends.
const MaxTarget = 8192

// Rules are one version of the rules. The number is stored in records.
type Rules int

const (
	// Before are the first rules, whose records carry no number: a space at the end of a URL is encoded, the root's dot
	// stays, and dot segments, a star at the end and commas inside tags are taken literally.
	Before Rules = iota
	// Current are the rules that docs/requests.md describes.
	Current
)

// TargetError is why a target is not valid, for people.
type TargetError string

// Error returns the fault as it is.
func (f TargetError) Error() string { return string(f) }

// The types of targets, as package purge names them.
const (
	typeURL    = "url"
	typePrefix = "prefix"
	typeHost   = "host"
	typeTag    = "tag"
	typeAll    = "all"
)

// Of returns the canonical form of a target; an error is a [TargetError]. The empty kind is url.
func (r Rules) Of(kind, target string) (string, error) {
	switch kind {
	case typeURL, typePrefix, "":
		return r.url(kind, target)
	case typeHost:
		target, _, err := r.examine(target)
		if err != nil {
			return "", err
		}
		host, err := r.host(target)
		if alone := r.hostIn(target); err != nil && alone != "" {
			return "", TargetError("a host has no scheme, port or path; write " + alone)
		}
		return host, err
	case typeTag:
		return r.tag(target)
	case typeAll:
		return "", TargetError("type all takes no targets: it purges the whole zone")
	default:
		return "", TargetError("the request's type is not known; use url, prefix, host, tag or all")
	}
}

func (r Rules) tag(tag string) (string, error) {
	tag, _, err := r.examine(tag)
	switch {
	case err != nil:
		return "", err
	case r == Before:
		if strings.ContainsRune(", ", rune(tag[0])) || strings.ContainsRune(", ", rune(tag[len(tag)-1])) {
			return "", TargetError("a tag can't begin or end with a comma or a space; give each tag as a target of its own")
		}
	case strings.Contains(tag, ","):
		return "", TargetError("a tag can't contain a comma, which separates tags; send each tag as a target of its own")
	}
	return tag, nil
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

// examine makes the checks that targets of every type have in common. It returns the target without the white space
// that the rules drop.
func (r Rules) examine(target string) (string, traits, error) {
	if r != Before {
		target = strings.Trim(target, asciiSpace)
	}
	switch {
	case target == "":
		return "", 0, TargetError("the target is empty")
	case len(target) > MaxTarget:
		return "", 0, TargetError("the target has more than " + strconv.Itoa(MaxTarget) + " bytes")
	}
	var all traits
	for i := range len(target) {
		all |= traitsOf[target[i]]
	}
	if all&hasHigh != 0 && !utf8.ValidString(target) {
		return "", 0, TargetError("the target is not UTF-8")
	}
	if all&hasHigh != 0 && r != Before {
		if err := checkEnds(target); err != nil {
			return "", 0, err
		}
	}
	if all&hasControl != 0 || all&hasHigh != 0 && strings.ContainsFunc(target, unicode.IsControl) {
		return "", 0, TargetError("the target has a control character, such as a tab or a line break")
	}
	return target, all, nil
}

func consistsOf(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return s != ""
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
