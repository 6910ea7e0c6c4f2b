package canonical

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// Body is what of a request counts for its digest.
type Body struct {
	Zone, Type, Method string
	Hosts, Targets     []string
}

// Digest returns 128 bits of SHA-256 over the body, in hex. Hosts count in any order, targets in theirs; each in its
// canonical form, or as written where it has none.
func (r Rules) Digest(b Body) string {
	kind := cmp.Or(b.Type, typeURL)
	var small [512]byte
	buf := small[:0]
	buf = appendPart(buf, b.Zone)
	buf = appendPart(buf, kind)
	buf = appendPart(buf, b.Method)
	hosts := r.hosts(b.Hosts)
	buf = binary.AppendUvarint(buf, uint64(len(hosts)))
	for _, host := range hosts {
		buf = appendPart(buf, host)
	}
	buf = binary.AppendUvarint(buf, uint64(len(b.Targets)))
	for _, target := range b.Targets {
		form, err := r.Of(kind, target)
		if err != nil {
			form = target
		}
		buf = appendPart(buf, form)
	}
	return Shorten(sha256.Sum256(buf))
}

// Shorten returns the first 128 bits of a sum in hex.
func Shorten(sum [sha256.Size]byte) string {
	var text [sha256.Size]byte
	hex.Encode(text[:], sum[:sha256.Size/2])
	return string(text[:])
}

func (r Rules) hosts(hosts []string) []string {
	if len(hosts) == 0 {
		return nil
	}
	list := make([]string, len(hosts))
	for i, host := range hosts {
		form, err := r.Of(typeHost, host)
		if err != nil {
			form = strings.ToLower(host)
		}
		list[i] = form
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// appendPart writes the length first, so that no two lists of parts have the same bytes.
func appendPart(buf []byte, part string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(part)))
	return append(buf, part...)
}
