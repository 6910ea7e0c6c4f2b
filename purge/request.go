package purge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Lane says how urgent a request is. It is part of the subject, not of the message.
type Lane string

// The lanes. While an interactive target that may be sent waits, bulk gets at most one call in ten (I8).
const (
	Interactive Lane = "interactive"
	Bulk        Lane = "bulk"
)

// Type says what the targets of a request are. The empty Type is URL.
type Type string

// The types. A message may also use the API's names: purge_url, purge_prefix, purge_host, purge_cache_tag, purge_all.
const (
	URL    Type = "url"    // exactly these URLs
	Prefix Type = "prefix" // everything whose URL begins so
	Host   Type = "host"   // everything of these hosts
	Tag    Type = "tag"    // everything with one of these cache tags
	All    Type = "all"    // the whole zone; takes no targets
)

// Method says what happens to what is purged. The empty Method leaves it to EdgeOne. Only the types Prefix, Host and
// All take a method.
type Method string

// The methods, as EdgeOne's CreatePurgeTask has them.
const (
	Invalidate Method = "invalidate" // marked stale, checked with the origin at the next hit
	Delete     Method = "delete"     // removed, fetched anew at the next hit
)

// MaxHosts is the most hosts of one request. EdgeOne's documents name no limit for CacheTag.Domains; this one is what its
// older API has for a list of domains, and bounds what is stored with each job.
const MaxHosts = 100

// Request is one message that asks for a purge. A field with its zero value is absent from the message.
type Request struct {
	// ID names the request within its source and makes it idempotent; see ValidID.
	ID string `json:"id,omitempty"`
	// Zone is EdgeOne's zone id. It may be left out where the configuration or the account's domains tell it.
	Zone   string `json:"zone,omitempty"`
	Type   Type   `json:"type,omitempty"`
	Method Method `json:"method,omitempty"`
	// Targets are what to purge, at least one but for the type All, which takes none. See Canonical.
	Targets []string `json:"targets,omitempty"`
	// Hosts limits a purge by Tag to these hosts, up to MaxHosts, each of up to 253 bytes (254 with the root's dot).
	Hosts []string `json:"hosts,omitempty"`
	// Account names one of the configured accounts, with 1 to 64 of A-Za-z0-9_-.
	Account string `json:"account,omitempty"`
	// Time is when the content changed. Lag is measured from it; nothing is decided by it.
	Time time.Time `json:"time,omitzero"`
	// Expires is when the request becomes pointless: what is not submitted by then is not submitted. The zero value
	// means never. A message with 0001-01-01T00:00:00Z in it, which would be that value, expires at once: Decode returns
	// the next nanosecond for it, here and in Time.
	Expires time.Time `json:"expires,omitzero"`
	// Prefetch asks to fetch the URLs into the cache again once they are purged.
	Prefetch bool `json:"prefetch,omitempty"`
	// Labels are echoed in the event: up to 16, with keys of up to 64 and values of up to 256 bytes.
	Labels map[string]string `json:"labels,omitempty"`
	// CloudEvent names the CloudEvents message that the request came in; nil for another. It is no field of the message:
	// Decode sets it, and Encode leaves it out.
	CloudEvent *CloudEvent `json:"-"`
}

// Encode returns the request as compact JSON. It checks nothing: the worker does, and says what is wrong in the event.
// The only error is a time with a year that RFC 3339 can't express.
func (r Request) Encode() ([]byte, error) {
	data, err := encodeJSON(r)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return data, nil
}

// encodeJSON leaves &, < and > as they are: URLs are full of them, and nothing here ends up in HTML.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer // of no size: the encoder writes once, and takes what that needs
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
