package purge

import "github.com/edgepurge/edgepurge/internal/canonical"

// MaxTarget is the greatest length of a target in bytes, as it is written, but for white space at its ends. A canonical
// form may have up to three times as many, because each byte that must be percent-encoded becomes three.
const MaxTarget = canonical.MaxTarget

// Canonical returns the canonical form of a target: what is sent to EdgeOne, and what tells whether two targets are the
// same. An error is a *Reason with CodeInvalidTarget and no field, for only the caller knows the target's place.
//
//   - URL and Prefix, also the empty Type: see CanonicalURL.
//   - Host: a host as in a URL, lower-cased and in punycode, without the root's dot; no wildcard, no port.
//   - Tag: as it is. A tag with a comma is not valid, because EdgeOne reads tags from a comma-separated header.
//   - All takes no targets: always an error.
//
// Whatever the type, ASCII white space at either end is dropped. A target is not valid when it is empty, longer than
// MaxTarget, not UTF-8, has a control character, or begins or ends with another space or an invisible character.
func Canonical(t Type, target string) (string, error) {
	form, err := canonical.Current.Of(string(t), target)
	if err != nil {
		return "", invalidTarget(err.Error())
	}
	return form, nil
}

// CanonicalURL returns the canonical form of an http or https URL; an error is a *Reason with CodeInvalidTarget. It
// gives one form to what clients send as one, and changes nothing else, because a cache may tell the rest apart:
//
//   - Scheme and host are lower-cased, and the host is turned into punycode (UTS #46, non-transitional).
//   - ASCII white space at the ends, the root's dot at the end of the host, a default or empty port, and the fragment
//     are dropped; an empty path becomes "/".
//   - Bytes that RFC 3986 does not allow in a URL, and those of non-ASCII characters, are percent-encoded with
//     upper-case digits. Such are the space, any of "<>\^`{|}, and a '%' without two hex digits behind it. Clients send
//     some of these as they are; docs/requests.md has a table. '[' and ']' are reserved characters and stay.
//
// So double and trailing slashes, existing escapes, an empty query and the order of a query are kept. Not valid are: no
// or another scheme; userinfo; a host that is empty, a wildcard or malformed (an IP address is fine, IPv6 in brackets);
// a port outside 1 to 65535; a dot segment in the path, also percent-encoded; a URL that ends in "/*"; and what
// Canonical refuses for every type.
//
// A canonical URL of at most MaxTarget bytes is its own canonical form, and is returned without an allocation.
func CanonicalURL(raw string) (string, error) {
	return Canonical(URL, raw)
}

func invalidTarget(message string) error {
	return &Reason{Code: CodeInvalidTarget, Message: message}
}
