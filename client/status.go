package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/purge"
)

// Status tells how a request of this source ended: the data of its event, or [ErrNoEvent] where none is kept. How far a
// request is that has not ended is for operators (`edgepurge status`): a producer may not look into the streams that say
// so. On a replicated stream an event may be missed that was stored a moment ago.
func (c *Client) Status(ctx context.Context, id string) (purge.Outcome, error) {
	got, err := c.look(ctx, id)
	if err != nil {
		return c.unknown(id), fmt.Errorf("look up %s: %w", id, err)
	}
	return got, nil
}

func (c *shared) look(ctx context.Context, id string) (purge.Outcome, error) {
	if !validID(id) {
		return purge.Outcome{}, errID
	}
	var got purge.Outcome
	question := c.lookUp(id)
	err := c.insist(ctx, "EVENTS", question.Subject, func(ctx context.Context) error {
		m, err := c.line.ask(ctx, question)
		if err != nil {
			return err
		}
		got, err = c.found(m, id)
		return err
	})
	return got, err
}

// lookUp asks for the last message below a request's events: a direct get by subject, which a right can be given for.
func (c *shared) lookUp(id string) nats.Msg {
	return nats.Msg{Subject: "$JS.API.DIRECT.GET." + c.subjects.Stream("EVENTS") + "." + c.subjects.EventOf(c.cfg.Source, id)}
}

// found reads the answer to lookUp.
func (c *shared) found(m *nats.Msg, id string) (purge.Outcome, error) {
	switch status := m.Header.Get("Status"); status {
	case "":
		return c.outcomeOf(m, id)
	case "404":
		return purge.Outcome{}, ErrNoEvent
	case "503":
		return purge.Outcome{}, errNobody
	default:
		return purge.Outcome{}, fmt.Errorf("%w: %s %s", errForNow, status, m.Header.Get("Description"))
	}
}

func (c *shared) outcomeOf(m *nats.Msg, id string) (purge.Outcome, error) {
	e, ok := c.eventOf(m.Header, m.Data, id)
	if !ok {
		return purge.Outcome{}, ErrNoEvent
	}
	return e.Data, nil
}

// eventOf reads the event of a request, and takes nothing else for it that may lie below its subjects: a publisher can
// name any subject as the one for the server's answer.
func (c *shared) eventOf(h nats.Header, data []byte, id string) (purge.Event, bool) {
	if h.Get("Content-Type") != purge.EventContentType {
		return purge.Event{}, false
	}
	e, err := purge.DecodeEvent(data)
	return e, err == nil && e.Data.Source == c.cfg.Source && e.Data.Request == id
}

var errID = errors.New("an id is 1 to 64 of A-Za-z0-9_-")

// validID takes also the ids that edgepurge makes, which begin with _.
func validID(id string) bool {
	return len(id) <= 64 && purge.ValidID("x"+strings.TrimLeft(id, "_")) && id != ""
}
