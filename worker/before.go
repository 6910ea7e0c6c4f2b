package worker

import (
	"context"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
)

// before is the message as the last version read it. What a queue delivers is no such message.
func (a *arrival) before() record.Before { return record.ReadBefore(&a.delivery.Delivery, a.Source) }

// matches reports whether digest is that of the message, as the last version computed it too.
func (a *arrival) matches(digest string) bool {
	if digest == a.Digest {
		return true
	}
	if a.delivery.Receipt.Parked() {
		return a.Body.HasDigest(digest)
	}
	b := a.before()
	return b.HasDigest(&a.delivery.Delivery, digest)
}

// resume lets a request go on by the rules of the records in which a part of it stands.
func (ad *admitter) resume(a *arrival, f record.Found) {
	if a.delivery.Receipt.Parked() || !f.BegunBefore() {
		return
	}
	b := a.before()
	as, ok := b.Resume(a.Request.Request, &f)
	if !ok {
		return
	}
	ad.mu.Lock()
	defer ad.mu.Unlock()
	a.Reread(as, b.Body)
	a.reason = nil
	ad.table.weigh(a.request)
}

// identify gives messages that come again the ids under which the last version has recorded them.
// The broker's timestamp proves that it was the same message: another one may have come under that
// id. It returns false when the context has ended.
func (ad *admitter) identify(ctx context.Context, arrivals []arrival) bool {
	ids := make(map[int]record.Key)
	var queries []ledger.Query
	for i := range arrivals {
		a := &arrivals[i]
		if a.delivery.Receipt.Parked() || a.delivery.Count < 2 || a.Body.CloudEvent == nil {
			continue
		}
		b := a.before()
		if b.ID == a.ID {
			continue
		}
		ids[i] = record.Key{Source: a.Source, ID: b.ID}
		queries = append(queries, ledger.Query{Key: ids[i], Total: len(b.Body.Targets), Redelivered: true})
	}
	if len(queries) == 0 {
		return true
	}
	found, err := ad.ledger.Find(ctx, queries)
	if err != nil {
		return false
	}
	for i, k := range ids {
		a := &arrivals[i]
		if f, ok := found[k]; ok && f.Received.Equal(a.delivery.Stored) && a.matches(f.Digest) {
			a.ID = k.ID
		}
	}
	return true
}
