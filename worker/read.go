package worker

import (
	"context"
	"errors"
	"iter"
	"strings"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// read decodes a delivery; false for what is left alone.
func (ad *admitter) read(d inbox.Delivery) (arrival, bool) {
	if !d.Receipt.Parked() {
		return ad.readMessage(d), true
	}
	p, err := record.DecodeParked(d.Data)
	if err != nil {
		ad.log.Error("parked request left alone", zap.String("queue", d.Receipt.Puller().Name()),
			zap.Uint64("sequence", d.Sequence), zap.Error(err))
		ad.table.inbox.Forget([]*inbox.Receipt{d.Receipt})
		return arrival{}, false
	}
	return arrival{newRequest(d, inflight.NewParked(p)), d, nil}, true
}

// readMessage decodes a message of a producer. With a reason the request holds what could be read.
func (ad *admitter) readMessage(d inbox.Delivery) arrival {
	lane, source, valid := ad.subjects.ParseRequest(d.Subject)
	body, err := purge.DecodeMessage(d.Data, d.ContentType, d.Event)
	reason, _ := errors.AsType[*purge.Reason](err)
	if err != nil && reason == nil {
		reason = &purge.Reason{Code: purge.CodeMalformed, Message: err.Error()}
	}
	if reason == nil && !valid {
		reason = &purge.Reason{
			Code: purge.CodeMalformed, Message: "the source in the subject must be 1 to 32 of a-z 0-9 _ -",
		}
	}
	if reason == nil {
		reason = ad.objection(body)
	}
	r := record.Request{
		Source: source, ID: purge.PickID(body, source, d.MsgID), Lane: lane, Type: body.Type,
		Total: len(body.Targets), Requested: body.Time, Received: d.Stored.UTC(), Labels: body.Labels,
		Rules: canonical.Current, CloudEvent: record.CloudEventOf(body),
	}
	if r.ID == "" {
		r.ID = purge.GeneratedID(d.Stored, d.Sequence)
	}
	r.Digest = purge.RawDigest(d.Data)
	if err == nil {
		r.Digest = body.Digest()
	}
	switch {
	case reason == nil && body.Type == purge.All:
		r.Total = 1
	case err != nil && (reason.Field == "" || strings.HasPrefix(reason.Field, "targets")):
		r.Total = 0 // nobody knows where the reading ended
	}
	return arrival{newRequest(d, inflight.New(r, body)), d, reason}
}

// objection is why this installation does not do what a sound request asks for, nil if it does.
func (ad *admitter) objection(body purge.Request) *purge.Reason {
	if body.Prefetch {
		return &purge.Reason{Code: purge.CodeUnsupported, Message: "prefetch is not supported yet", Field: "prefetch"}
	}
	if body.Account != "" && body.Account != ad.account {
		return &purge.Reason{Code: purge.CodePolicy, Message: "no such account is configured", Field: "account"}
	}
	field, why := edgeone.Unsupported(ad.version, body.Type, string(body.Method), len(body.Hosts) > 0)
	if why != "" {
		return &purge.Reason{Code: purge.CodeUnsupported, Message: why, Field: field}
	}
	return nil
}

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

// admitBytes bounds the messages that are read at a time, in bytes. What is read of a message is
// many times as large until it is known what becomes of it (I5). 4,096 messages of the usual size
// are less.
const admitBytes = 1 << 20

// parts cuts deliveries into parts of at most admitBytes, or of one message.
func parts(lot []inbox.Delivery) iter.Seq[[]inbox.Delivery] {
	return func(yield func([]inbox.Delivery) bool) {
		begin, size := 0, 0
		for i := range lot {
			if size += len(lot[i].Data); size > admitBytes && i > begin {
				if !yield(lot[begin:i]) {
					return
				}
				begin, size = i, len(lot[i].Data)
			}
		}
		yield(lot[begin:])
	}
}
