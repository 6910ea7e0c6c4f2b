package broker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// replayLabel names the request that a replay repeats.
const replayLabel = "replay_of"

// ErrNoReplay says that a dead letter holds nothing that could be asked for again as it is.
var ErrNoReplay = errors.New("can't be replayed")

// Replay is the request that came of a dead letter.
type Replay struct {
	Sequence uint64 // of the letter
	Key      record.Key
	Lane     purge.Lane
	Of       string // source/id of the request that was refused
	Again    bool   // it was replayed before and has ended: nothing was published; false proves nothing
}

// Replay publishes the request of a dead letter anew, on the subject that it came on. Its id
// follows from the sequence, so that replaying a letter twice makes one request: the worker takes
// the second message for the first, and one that has ended is not published. The body stays as it
// was but for the id, which goes, and the label replay_of. The letter stays.
//
// The error is [ErrNoDeadLetter], or [ErrNoReplay] when the body is no request that could be
// admitted.
func (d *Dead) Replay(ctx context.Context, sequence uint64) (Replay, error) {
	l, err := d.Get(ctx, sequence)
	if err != nil {
		return Replay{}, err
	}
	lane, source, ok := d.conn.subjects.ParseRequest(l.Subject)
	if !ok {
		return Replay{}, fmt.Errorf("dead letter %d %w: it came on %q, which no source may use",
			sequence, ErrNoReplay, l.Subject)
	}
	r := Replay{Sequence: sequence, Lane: lane, Of: l.Request}
	r.Key = record.Key{Source: source, ID: purge.ReplayID(sequence)}
	body, err := replayBody(l, r.Key.ID)
	if err != nil {
		return Replay{}, fmt.Errorf("dead letter %d %w: %w", sequence, ErrNoReplay, err)
	}
	ended, err := d.events.Find(ctx, []record.Key{r.Key})
	if err != nil {
		return Replay{}, fmt.Errorf("replay dead letter %d: %w", sequence, err)
	}
	if _, r.Again = ended[r.Key]; r.Again {
		return r, nil
	}
	m := nats.NewMsg(l.Subject)
	m.Data = body
	m.Header.Set(purge.ReplayHeader, r.Key.ID)
	if l.ContentType != "" {
		m.Header.Set("Content-Type", l.ContentType)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	// Without a message id: the table of these is shared with the producers.
	if _, err := d.conn.js.PublishMsg(ctx, m, jetstream.WithExpectStream(d.conn.name("REQUESTS"))); err != nil {
		return Replay{}, fmt.Errorf("replay dead letter %d: %w", sequence, d.conn.explainPublish(err))
	}
	return r, nil
}

// explainPublish says what to do about a request that was not stored.
func (c *Conn) explainPublish(err error) error {
	api, _ := errors.AsType[*jetstream.APIError](err)
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("stream %s does not exist: run `edgepurge setup`, or start a worker", c.name("REQUESTS"))
	case api != nil && api.ErrorCode == codeStreamFull:
		return fmt.Errorf("stream %s is full: wait until the worker has caught up, or raise nats.max_bytes: %w",
			c.name("REQUESTS"), err)
	}
	return err
}

// codeStreamFull is "maximum bytes exceeded" on a stream that discards new messages.
const codeStreamFull = 10077

// replayBody returns a letter's body with the label and without an id of its own. It refuses what
// would only become another letter.
func replayBody(l DeadLetter, id string) ([]byte, error) {
	body, err := relabel(l, id)
	if err == nil {
		_, err = purge.Decode(body, l.ContentType)
		return body, err
	}
	_, invalid := purge.Decode(l.Data, l.ContentType)
	return nil, cmp.Or(invalid, err)
}

func relabel(l DeadLetter, id string) ([]byte, error) {
	top, err := parseObject(l.Data)
	if err != nil {
		return nil, err
	}
	media, _, _ := strings.Cut(l.ContentType, ";")
	if !strings.EqualFold(strings.TrimSpace(media), purge.EventContentType) && top.value("specversion") == nil {
		return top.relabel(l.Request)
	}
	data, err := parseObject(top.value("data"))
	if err != nil {
		return nil, err
	}
	inner, err := data.relabel(l.Request)
	if err != nil {
		return nil, err
	}
	top.set("data", inner)
	top.set("id", quoted(id)) // CloudEvents want one, and this one gives way to the header
	return top.bytes(), nil
}

// relabel takes the id out of a request and adds the label.
func (o *object) relabel(of string) ([]byte, error) {
	o.remove("id")
	labels := &object{}
	if have := o.value("labels"); have != nil && string(have) != "null" {
		var err error
		if labels, err = parseObject(have); err != nil {
			return nil, err
		}
	}
	labels.remove(replayLabel)
	if len(labels.members) < purge.MaxLabels { // the id says the same
		labels.set(replayLabel, quoted(of))
	}
	o.set("labels", labels.bytes())
	return o.bytes(), nil
}

func quoted(s string) []byte {
	text, _ := json.Marshal(s) //nolint:errchkjson // a string has no error
	return text
}

// object is a JSON object cut at its commas: what is not touched keeps its bytes, white space
// included.
type object struct {
	before, after []byte // around the braces
	members       []member
}

// member is one name and its value, with the white space around them.
type member struct {
	name       string
	text       []byte
	begin, end int // of the value in text
}

var errNoObject = errors.New("not a JSON object")

func parseObject(data []byte) (*object, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errNoObject
	}
	at := int(dec.InputOffset())
	o := &object{before: data[:at-1]}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := t.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		end := int(dec.InputOffset())
		next := end + bytes.IndexAny(data[end:], ",}") // nothing but white space comes before
		if next < end {
			return nil, errNoObject
		}
		o.members = append(o.members, member{name, data[at:next], end - len(value) - at, end - at})
		at = next + 1
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	o.after = data[dec.InputOffset():]
	return o, nil
}

// value returns the last value of a name, which is the one that counts; nil when there is none.
func (o *object) value(name string) []byte {
	for i := len(o.members) - 1; i >= 0; i-- {
		if m := &o.members[i]; m.name == name {
			return m.text[m.begin:m.end]
		}
	}
	return nil
}

func (o *object) remove(name string) {
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return m.name == name })
}

// set replaces the last value of a name, or adds it.
func (o *object) set(name string, value []byte) {
	for i := len(o.members) - 1; i >= 0; i-- {
		if m := &o.members[i]; m.name == name {
			m.text = bytes.Join([][]byte{m.text[:m.begin], value, m.text[m.end:]}, nil)
			m.end = m.begin + len(value)
			return
		}
	}
	text := append(append(quoted(name), ':'), value...)
	o.members = append(o.members, member{name, text, len(text) - len(value), len(text)})
}

func (o *object) bytes() []byte {
	texts := make([][]byte, len(o.members))
	for i, m := range o.members {
		texts[i] = m.text
	}
	return bytes.Join([][]byte{o.before, {'{'}, bytes.Join(texts, []byte(",")), {'}'}, o.after}, nil)
}
