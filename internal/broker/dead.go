package broker

import (
	"context"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
)

// PutDead stores dead letters, returning one error for each.
func (b *Broker) PutDead(ctx context.Context, letters []record.DeadLetter) []error {
	msgs := make([]*nats.Msg, len(letters))
	for i := range letters {
		msgs[i] = b.deadMessage(&letters[i])
	}
	errs := make([]error, len(letters))
	b.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		// A refusal that is told again after a crash should not leave a second letter.
		id := strconv.FormatUint(letters[i].Sequence, 36) + "-" + strconv.FormatInt(letters[i].Stored.UnixNano(), 36)
		return []jetstream.PublishOpt{jetstream.WithMsgID(id)}
	})
	return errs
}

// deadMessage is a dead letter as it is stored; letterOf reads it.
func (b *Broker) deadMessage(d *record.DeadLetter) *nats.Msg {
	m := nats.NewMsg(b.subjects.Dead(d.Code, token(d.Key.Source)))
	m.Data = d.Data
	m.Header.Set("Edgepurge-Subject", headerText(d.Subject, maxName))
	m.Header.Set("Edgepurge-Request", headerText(d.Key.String(), maxName))
	m.Header.Set("Edgepurge-Code", headerText(d.Code, maxWords))
	m.Header.Set("Edgepurge-Message", headerText(d.Message, maxWords))
	if d.ContentType != "" {
		m.Header.Set("Content-Type", headerText(d.ContentType, maxWords))
	}
	return m
}

// What a header holds at most, in bytes: one that names something, and any other. A server takes no subject
// that is longer than its control line, 4,096 bytes unless configured.
const maxName, maxWords = 8192, 512

// headerText makes a text fit into one header line: so many bytes of UTF-8 without control characters.
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
