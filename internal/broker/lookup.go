package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// lookupBatch is how many requests one look-up asks for; the server answers at most 1,024
	// subjects.
	lookupBatch = 1000
	// lookupsAtOnce bounds the look-ups that are asked for side by side: while the broker is busy
	// with events, each takes a while.
	lookupsAtOnce = 4
)

// errIncomplete says that a look-up was answered in part; the caller asks for less.
var errIncomplete = errors.New("answer is incomplete")

// added returns what the server says of a message that it answers with. A message that was itself
// such an answer, and was sent back into the stream, has what it said of the original before that.
func added(h nats.Header, name string) string {
	if all := h.Values(name); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// lastOf asks for the last message of each subject (direct get, multi_last) and hands them to each.
func (c *Conn) lastOf(ctx context.Context, stream string, filters []string, each func(*nats.Msg) error) error {
	req, err := json.Marshal(struct {
		MultiLast []string `json:"multi_last"`
	}{filters})
	if err != nil {
		return fmt.Errorf("encode look-up: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.answer)
	defer cancel()
	inbox := c.nc.NewInbox()
	// An answer a filter, and the word of the end. The client's own subscriptions have room for
	// 65,536.
	answers := make(chan *nats.Msg, len(filters)+1)
	sub, err := c.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return fmt.Errorf("subscribe for answers: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := c.nc.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, req); err != nil {
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

// leadersNext returns the first message under a filter from a sequence on, as the stream's leader
// has it. The client's own look-up of a stream with direct gets may be answered by a replica that
// lags behind.
func (c *Conn) leadersNext(ctx context.Context, stream, filter string, from uint64) (uint64, nats.Header, error) {
	req, err := json.Marshal(struct {
		Sequence uint64 `json:"seq"`
		Next     string `json:"next_by_subj"`
	}{from, filter})
	if err != nil {
		return 0, nil, fmt.Errorf("encode look-up: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.answer)
	defer cancel()
	m, err := c.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, req)
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
