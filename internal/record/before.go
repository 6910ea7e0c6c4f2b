package record

import (
	"encoding/json"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/purge"
)

// Records and events of the last version outlive it. It read a few messages otherwise: it gave
// other ids to CloudEvents, took the last of two members with one name, and had other canonical
// forms. A message that it has begun goes on as it began: with that id, and in those forms.

// Before is a message as the last version read it.
type Before struct {
	ID   string
	Body purge.Request
	err  error
}

// ReadBefore reads a message of a source as the last version did.
func ReadBefore(d *Delivery, source string) Before {
	var b Before
	if b.Body, b.err = purge.Decode(d.Data, d.ContentType); b.err != nil {
		if data, ok := lastOfTwice(d.Data); ok {
			b.Body, b.err = purge.Decode(data, d.ContentType)
		}
	}
	named := b.Body
	if c := named.CloudEvent; named.ID == "" && c != nil && purge.ValidID(c.ID) {
		named.ID = c.ID
	}
	named.CloudEvent = nil
	if b.ID = purge.PickID(named, source, d.MsgID); b.ID == "" {
		b.ID = purge.GeneratedID(d.Stored, d.Sequence)
	}
	return b
}

// HasDigest reports whether a record with this digest may be of the message. The digest is over the
// message's bytes where one of the versions could not read it.
func (b *Before) HasDigest(d *Delivery, digest string) bool {
	return digest == purge.RawDigest(d.Data) || b.hasDigest(digest)
}

func (b *Before) hasDigest(digest string) bool { return b.err == nil && b.Body.HasDigest(digest) }

// Resume returns a request by the rules of the records in which the last version stored a part of
// it. It returns false if they are no others.
func (b *Before) Resume(r Request, f *Found) (Request, bool) {
	if !f.BegunBefore() || !b.hasDigest(f.Digest) {
		return r, false
	}
	r.Rules, r.Digest, r.Total = f.Rules, f.Digest, len(f.Recorded)
	r.Type, r.Labels = b.Body.Type, b.Body.Labels
	return r, true
}

// BegunBefore reports whether a part of the request stands in records by the rules of the last
// version.
func (f *Found) BegunBefore() bool { return f.Rules == canonical.Before && len(f.Recorded) > 0 }

// lastOfTwice returns a message without the members whose name comes once more, in the request and
// in its labels.
func lastOfTwice(data []byte) ([]byte, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil {
		return nil, false
	}
	for _, name := range []string{"data", "labels"} {
		if inner, ok := lastOfTwice(object[name]); ok {
			object[name] = inner
		}
	}
	once, err := json.Marshal(object)
	return once, err == nil
}
