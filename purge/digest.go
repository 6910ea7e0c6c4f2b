package purge

import (
	"crypto/sha256"

	"github.com/edgepurge/edgepurge/internal/canonical"
)

// Digest tells requests with the same id apart: 128 bits of SHA-256, in hex, over what is asked for. That is the zone
// as given, type, method, hosts (in any order and form) and targets in their order and canonical form, or as written
// where they have none. Id, account, times, labels and prefetch don't count.
func (r Request) Digest() string {
	return canonical.Current.Digest(r.digested())
}

// HasDigest reports whether digest is that of the request. Events that were stored under the first rules for canonical
// forms keep the digests of that time, so these count too.
func (r Request) HasDigest(digest string) bool {
	return digest == r.Digest() || digest == canonical.Before.Digest(r.digested())
}

func (r Request) digested() canonical.Body {
	return canonical.Body{
		Zone: r.Zone, Type: string(r.Type), Method: string(r.Method), Hosts: r.Hosts, Targets: r.Targets,
	}
}

// RawDigest is the digest of a message that can't be read: over its bytes.
func RawDigest(data []byte) string {
	return canonical.Shorten(sha256.Sum256(data))
}
