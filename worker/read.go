package worker

import (
	"errors"
	"strings"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/inflight"
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
		ad.log.Error("parked request left alone", zap.String("queue", d.Receipt.Puller().Name()), zap.Uint64("sequence", d.Sequence), zap.Error(err))
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
		reason = &purge.Reason{Code: purge.CodeMalformed, Message: "the source in the subject must be 1 to 32 of a-z 0-9 _ -"}
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
