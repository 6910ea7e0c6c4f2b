package worker

import (
	"context"
	"encoding/json"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Records and events of the last version outlive it. It read a few messages otherwise: it gave other ids to CloudEvents,
// took the last of two members with one name, and had other canonical forms. A message that it has begun goes on as it
// began: with that id, and in those forms.

// earlier is a message as the last version read it.
type earlier struct {
	id   string
	body purge.Request
	err  error
}

func (w *Worker) readEarlier(d inbox.Delivery, source string) earlier {
	var e earlier
	if e.body, e.err = purge.Decode(d.Data, d.ContentType); e.err != nil {
		if data, ok := lastOfTwice(d.Data); ok {
			e.body, e.err = purge.Decode(data, d.ContentType)
		}
	}
	named := e.body
	if c := named.CloudEvent; named.ID == "" && c != nil && purge.ValidID(c.ID) {
		named.ID = c.ID
	}
	named.CloudEvent = nil
	if e.id = purge.PickID(named, source, d.MsgID); e.id == "" {
		e.id = purge.GeneratedID(d.Stored, d.Sequence)
	}
	return e
}

// lastOfTwice returns a message without the members whose name comes once more, in the request and in its labels.
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

// matches reports whether digest is that of the message, as the last version computed it too.
func (w *Worker) matches(a *arrival, digest string) bool {
	switch {
	case digest == a.Digest, a.delivery.Receipt.Parked() && a.Body.HasDigest(digest):
		return true
	case a.delivery.Receipt.Parked():
		return false
	case digest == purge.RawDigest(a.delivery.Data): // one of the versions could not read it
		return true
	}
	e := w.readEarlier(a.delivery, a.Source)
	return e.err == nil && e.body.HasDigest(digest)
}

// resume lets a request go on by the rules of the records in which a part of it stands.
func (w *Worker) resume(a *arrival, f record.Found) {
	if f.Rules != canonical.Before || a.delivery.Receipt.Parked() || len(f.Recorded) == 0 {
		return
	}
	e := w.readEarlier(a.delivery, a.Source)
	if e.err != nil || !e.body.HasDigest(f.Digest) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	as := a.Request.Request
	as.Rules, as.Digest, as.Type, as.Labels, as.Total = f.Rules, f.Digest, e.body.Type, e.body.Labels, len(f.Recorded)
	a.Reread(as, e.body)
	a.reason = nil
	w.weigh(a.request)
}

// identify gives messages that come again the ids under which the last version has recorded them. That it was the same
// message is proven by the broker's timestamp: another one may have come under that id. It reports false when the context
// has ended.
func (w *Worker) identify(ctx context.Context, arrivals []arrival) bool {
	ids := make(map[int]record.Key)
	var queries []ledger.Query
	for i := range arrivals {
		a := &arrivals[i]
		if a.delivery.Receipt.Parked() || a.delivery.Count < 2 || a.Body.CloudEvent == nil {
			continue
		}
		e := w.readEarlier(a.delivery, a.Source)
		if e.id == a.ID {
			continue
		}
		ids[i] = record.Key{Source: a.Source, ID: e.id}
		queries = append(queries, ledger.Query{Key: ids[i], Total: len(e.body.Targets), Redelivered: true})
	}
	if len(queries) == 0 {
		return true
	}
	found, err := w.Ledger.Find(ctx, queries)
	if err != nil {
		return false
	}
	for i, k := range ids {
		a := &arrivals[i]
		if f, ok := found[k]; ok && f.Received.Equal(a.delivery.Stored) && w.matches(a, f.Digest) {
			a.ID = k.ID
		}
	}
	return true
}
