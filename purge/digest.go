package purge

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// Digest tells requests with the same id apart: 128 bits of SHA-256, in hex, over what is asked for. That is the zone
// as given, type, method, hosts (in any order and form) and targets in their order and canonical form, or as written
// where they have none. Id, account, times, labels and prefetch don't count.
func (r Request) Digest() string {
	t := cmp.Or(r.Type, URL)
	var small [512]byte
	buf := small[:0]
	buf = appendPart(buf, r.Zone)
	buf = appendPart(buf, string(t))
	buf = appendPart(buf, string(r.Method))
	hosts := canonicalHosts(r.Hosts)
	buf = binary.AppendUvarint(buf, uint64(len(hosts)))
	for _, host := range hosts {
		buf = appendPart(buf, host)
	}
	buf = binary.AppendUvarint(buf, uint64(len(r.Targets)))
	for _, target := range r.Targets {
		canonical, err := Canonical(t, target)
		if err != nil {
			canonical = target
		}
		buf = appendPart(buf, canonical)
	}
	return shorten(sha256.Sum256(buf))
}

// RawDigest is the digest of a message that can't be read: over its bytes.
func RawDigest(data []byte) string {
	return shorten(sha256.Sum256(data))
}

func shorten(sum [sha256.Size]byte) string {
	var text [sha256.Size]byte
	hex.Encode(text[:], sum[:sha256.Size/2])
	return string(text[:])
}

func canonicalHosts(hosts []string) []string {
	if len(hosts) == 0 {
		return nil
	}
	list := make([]string, len(hosts))
	for i, host := range hosts {
		canonical, err := Canonical(Host, host)
		if err != nil {
			canonical = strings.ToLower(host)
		}
		list[i] = canonical
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// appendPart writes the length first, so that no two lists of parts have the same bytes.
func appendPart(buf []byte, part string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(part)))
	return append(buf, part...)
}
