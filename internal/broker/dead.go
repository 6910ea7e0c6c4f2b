package broker

import (
	"context"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
)

// Dead is the stream of the requests that were refused, each with its reason. It keeps no state and
// is safe for concurrent use.
type Dead struct {
	conn   *Conn
	events *Events
}

// Put stores dead letters, returning one error for each.
func (d *Dead) Put(ctx context.Context, letters []record.DeadLetter) []error {
	msgs := make([]*nats.Msg, len(letters))
	for i := range letters {
		msgs[i] = d.message(&letters[i])
	}
	errs := make([]error, len(letters))
	d.conn.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		// A refusal that is repeated after a crash should not leave a second letter.
		id := strconv.FormatUint(letters[i].Sequence, 36) + "-" + strconv.FormatInt(letters[i].Stored.UnixNano(), 36)
		return []jetstream.PublishOpt{jetstream.WithMsgID(id)}
	})
	return errs
}

// message is a dead letter as it is stored; letterOf reads it.
func (d *Dead) message(l *record.DeadLetter) *nats.Msg {
	m := nats.NewMsg(d.conn.subjects.Dead(l.Code, token(l.Key.Source)))
	m.Data = l.Data
	m.Header.Set("Edgepurge-Subject", headerText(l.Subject, maxName))
	m.Header.Set("Edgepurge-Request", headerText(l.Key.String(), maxName))
	m.Header.Set("Edgepurge-Code", headerText(l.Code, maxWords))
	m.Header.Set("Edgepurge-Message", headerText(l.Message, maxWords))
	if l.ContentType != "" {
		m.Header.Set("Content-Type", headerText(l.ContentType, maxWords))
	}
	return m
}

// What a header holds at most, in bytes: one that names something, and any other. A server takes no
// subject that is longer than its control line, 4,096 bytes unless configured.
const maxName, maxWords = 8192, 512

// headerText makes a text fit into one header line: so many bytes of UTF-8 without control
// characters.
func headerText(s string, limit int) string {
	out := make([]byte, 0, min(len(s), limit))
	for i := 0; i < len(s) && len(out) < limit; i++ {
		if c := s[i]; c >= 0x20 && c != 0x7f {
			out = append(out, c)
		} else {
			out = append(out, ' ')
		}
	}
	return strings.ToValidUTF8(string(out), "")
}
