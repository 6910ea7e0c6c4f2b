package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	pullWait      = 10 * time.Second
	pullHeartbeat = time.Second // a pull lost by a server restart is noticed after two of them
	// pullMessages bounds one pull in messages, pullBytes in bytes (I5). A message that is larger
	// than pullBytes is pulled alone.
	pullMessages = 4096
	pullBytes    = 4 << 20
	// pullNotices is room for what the server says beside messages: heartbeats and the end.
	pullNotices = 64
)

// errPullLost says that the server has forgotten a pull, as it does when it restarts.
var errPullLost = errors.New("no sign of life from the broker")

// pull is one request to a consumer for messages. The client library's own fetch is not used: it
// takes a message of a producer for a word of the server when it has no body and a Status header,
// and on a replicated stream it drops messages that come after the word of the end.
type pull struct {
	sub   *nats.Subscription
	msgs  chan *nats.Msg // capacity: all that the pull can bring
	open  int            // messages that it may still bring
	some  bool           // it has brought one
	heard time.Time
	ended bool
	big   bool   // the next message is larger than pullBytes
	seen  uint64 // the consumer's number of the last delivery
	anew  bool   // that number fell: the consumer may be another one
	junk  func() // see Lane
	err   error
}

// ask sends a pull for at most n messages; alone lifts the limit in bytes, for one message.
func (l *Lane) ask(n int, alone bool) (*pull, error) {
	size := pullBytes
	if alone {
		n, size = 1, 0
	}
	req, err := json.Marshal(struct {
		Batch     int           `json:"batch"`
		MaxBytes  int           `json:"max_bytes,omitempty"`
		Expires   time.Duration `json:"expires"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{n, size, pullWait, pullHeartbeat})
	if err != nil {
		return nil, fmt.Errorf("encode pull of lane %s: %w", l.name, err)
	}
	p := &pull{msgs: make(chan *nats.Msg, n+pullNotices), open: n, heard: time.Now(), seen: l.seen, junk: l.junk}
	inbox := l.conn.nc.NewInbox()
	if p.sub, err = l.conn.nc.ChanSubscribe(inbox, p.msgs); err != nil {
		return nil, fmt.Errorf("subscribe for lane %s: %w", l.name, err)
	}
	subject := "$JS.API.CONSUMER.MSG.NEXT." + l.stream + "." + l.name
	if err := l.conn.nc.PublishRequest(subject, inbox, req); err != nil {
		p.close()
		return nil, fmt.Errorf("pull lane %s: %w", l.name, err)
	}
	return p, nil
}

func (p *pull) close() { _ = p.sub.Unsubscribe() }

// wait blocks until something has come or the pull is lost, and returns the context's cause when
// that ends first.
func (p *pull) wait(ctx context.Context, got []record.Delivery) ([]record.Delivery, error) {
	lost := time.NewTimer(time.Until(p.heard.Add(2 * pullHeartbeat)))
	defer lost.Stop()
	select {
	case m := <-p.msgs:
		return p.read(m, got), nil
	case <-ctx.Done():
		return got, context.Cause(ctx)
	case <-lost.C:
		p.ended, p.err = true, errPullLost
		return got, nil
	}
}

// take appends what has come, without waiting, until there are room deliveries.
func (p *pull) take(room int, got []record.Delivery) []record.Delivery {
	got = slices.Grow(got, max(0, min(room-len(got), len(p.msgs))))
	for len(got) < room && !p.ended {
		select {
		case m := <-p.msgs:
			got = p.read(m, got)
		default:
			return got
		}
	}
	return got
}

// messageID is what the headers of a request say of its id. The source is the last token of the
// subject.
func messageID(m *nats.Msg) string {
	source := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	return purge.MessageID(source, m.Header.Get(purge.ReplayHeader), m.Header.Get(jetstream.MsgIDHeader))
}

// read distinguishes messages from what the server says: only the latter come on the inbox's own
// subject.
func (p *pull) read(m *nats.Msg, got []record.Delivery) []record.Delivery {
	p.heard = time.Now()
	if m.Subject == p.sub.Subject {
		p.notice(m.Header)
		return got
	}
	p.open--
	p.some, p.ended = true, p.open <= 0
	meta, err := m.Metadata()
	if err != nil {
		return got // no JetStream message: nothing that could be acked
	}
	p.anew = p.anew || meta.Sequence.Consumer <= p.seen
	p.seen = meta.Sequence.Consumer
	if p.junk != nil && !isRecord(m.Header) {
		if m.Respond([]byte(wordTerm)) == nil {
			p.junk()
		}
		return got
	}
	return append(got, record.Delivery{
		Subject: m.Subject, Data: m.Data,
		ContentType: m.Header.Get("Content-Type"), MsgID: messageID(m),
		Event:    purge.ParseEventHeader(m.Header),
		Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Count: int(meta.NumDelivered), Reply: m.Reply,
	})
}

func (p *pull) notice(h nats.Header) {
	status, text := h.Get("Status"), h.Get("Description")
	if status == "100" { // a heartbeat
		return
	}
	// On a replicated stream the end is announced before the last messages, which wait for their
	// replication: the server says how many of those that were asked for it has not sent.
	if unsent, err := strconv.Atoi(h.Get("Nats-Pending-Messages")); err == nil {
		p.open -= unsent
		p.some = p.some || p.open > 0
	} else {
		p.open = 0
	}
	p.ended = p.open <= 0
	word := strings.ToLower(text)
	switch {
	case status == "404", status == "408", strings.Contains(word, "batch completed"):
	case strings.Contains(word, "exceeds maxbytes"):
		p.big = !p.some
	case strings.Contains(word, "consumer deleted"):
		p.err = jetstream.ErrConsumerDeleted
	case status == "503":
		p.err = nats.ErrNoResponders
	default:
		p.err = fmt.Errorf("broker says %s %s", status, text)
	}
}
