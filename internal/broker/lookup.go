package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// lookupLot is how many requests one look-up asks for; the server answers at most 1,024 subjects.
	lookupLot = 1000
	// lookupsAtOnce bounds the look-ups that are asked for side by side: while the broker is busy with events,
	// each takes a while.
	lookupsAtOnce = 4
)

// errIncomplete says that a look-up was answered in part; the caller asks for less.
var errIncomplete = errors.New("answer is incomplete")

// EventsOf tells which of the requests have their terminal event, with the body digest it keeps. On a
// replicated stream the answer may miss the newest events: enough to save a purge, never proof that
// there is none.
func (b *Broker) EventsOf(ctx context.Context, keys []record.Key) (map[record.Key]purge.Outcome, error) {
	lots := slices.Collect(slices.Chunk(keys, lookupLot))
	parts := make([]map[record.Key]purge.Outcome, len(lots))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookupsAtOnce)
	for i, lot := range lots {
		parts[i] = make(map[record.Key]purge.Outcome)
		g.Go(func() error { return b.eventsOf(gctx, lot, parts[i]) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("look up events: %w", err)
	}
	found := make(map[record.Key]purge.Outcome)
	for _, part := range parts {
		maps.Copy(found, part)
	}
	return found, nil
}

func (b *Broker) eventsOf(ctx context.Context, keys []record.Key, found map[record.Key]purge.Outcome) error {
	filters := make([]string, len(keys))
	for i, k := range keys {
		filters[i] = b.eventOf(k)
	}
	err := b.lastOf(ctx, b.name("EVENTS"), filters, func(m *nats.Msg) error {
		// One that this version can't read counts as not found: its request is purged again, not told.
		if e, err := purge.DecodeEvent(m.Data); err == nil && b.eventSubject(&e) == added(m.Header, "Nats-Subject") {
			found[keyOf(&e)] = e.Data
		}
		return nil
	})
	if errors.Is(err, errIncomplete) && len(keys) > 1 {
		mid := len(keys) / 2
		return errors.Join(b.eventsOf(ctx, keys[:mid], found), b.eventsOf(ctx, keys[mid:], found))
	}
	return err
}

// added gives what the server says of a message that it answers with. A message that was itself such an answer, and was
// sent back into the stream, has what it said of the original before that.
func added(h nats.Header, name string) string {
	if all := h.Values(name); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// lastOf asks for the last message of each subject (direct get, multi_last) and hands them to each.
func (b *Broker) lastOf(ctx context.Context, stream string, filters []string, each func(*nats.Msg) error) error {
	req, err := json.Marshal(struct {
		MultiLast []string `json:"multi_last"`
	}{filters})
	if err != nil {
		return fmt.Errorf("encode look-up: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	inbox := b.nc.NewInbox()
	// An answer a filter, and the word of the end. The client's own subscriptions have room for 65,536.
	answers := make(chan *nats.Msg, len(filters)+1)
	sub, err := b.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return fmt.Errorf("subscribe for answers: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := b.nc.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, req); err != nil {
		return fmt.Errorf("ask stream %s: %w", stream, err)
	}
	for {
		var m *nats.Msg
		select {
		case m = <-answers:
		case <-ctx.Done():
			return fmt.Errorf("read answer of stream %s: %w", stream, context.Cause(ctx))
		}
		switch status := m.Header.Get("Status"); status {
		case "":
			if err := each(m); err != nil {
				return err
			}
		case "204":
			if left := m.Header.Get("Nats-Num-Pending"); left != "" && left != "0" {
				return errIncomplete
			}
			return nil
		case "404":
			if m.Header.Get("Description") == "No Results" {
				return nil
			}
			return errIncomplete
		case "413":
			return errIncomplete
		case "503":
			return fmt.Errorf("ask stream %s: %w", stream, nats.ErrNoResponders)
		default:
			return fmt.Errorf("stream %s: %s %s", stream, status, m.Header.Get("Description"))
		}
	}
}

// leadersNext gives the first message under a filter from a sequence on, as the stream's leader has it. The
// client's own look-up of a stream with direct gets may be answered by a replica that lags behind.
func (b *Broker) leadersNext(ctx context.Context, stream, filter string, from uint64) (uint64, nats.Header, error) {
	req, err := json.Marshal(struct {
		Sequence uint64 `json:"seq"`
		Next     string `json:"next_by_subj"`
	}{from, filter})
	if err != nil {
		return 0, nil, fmt.Errorf("encode look-up: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	m, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask stream %s: %w", stream, err)
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return 0, nil, fmt.Errorf("read answer of stream %s: %w", stream, err)
	}
	switch e := answer.Error; {
	case e != nil && e.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return 0, nil, jetstream.ErrMsgNotFound
	case e != nil:
		return 0, nil, fmt.Errorf("ask stream %s: %w", stream, e)
	case answer.Message.Sequence < from:
		return 0, nil, fmt.Errorf("stream %s gave message %d, asked from %d on", stream, answer.Message.Sequence, from)
	}
	if len(answer.Message.Header) == 0 {
		return answer.Message.Sequence, nil, nil
	}
	header, err := nats.DecodeHeadersMsg(answer.Message.Header)
	if err != nil {
		return 0, nil, fmt.Errorf("read message %d of stream %s: %w", answer.Message.Sequence, stream, err)
	}
	return answer.Message.Sequence, header, nil
}
