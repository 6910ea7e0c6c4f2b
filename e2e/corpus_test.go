package e2e_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/nasty"
	"github.com/edgepurge/edgepurge/purge"
)

// goodEvery is how many nasty messages there are to each good one.
const goodEvery = 3

// Whatever is published, and how much of it: each message that the broker takes has the one end that its
// producer was promised, its bytes are kept where it is refused, nobody else notices (I1, I7), and the
// memory stays flat (I5). It runs beside no other test, for it looks at the heap.
func TestCorpus_EveryMessageHasItsEndAndHarmsNobody(t *testing.T) {
	all, err := nasty.All()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, nil)
	w.provision()
	heap := watchHeap(t, 320<<20, 128<<20)
	c := corpus{world: w, sequences: make(map[string]uint64)}
	for i, m := range all {
		if i == len(all)/2 {
			w.start() // it finds the one half waiting, and the other comes while it works
		}
		if i%goodEvery == 0 {
			c.good()
		}
		c.send(m)
	}
	w.until("the events", func() bool { return w.count("PURGE_EVENTS") >= c.events })
	w.settled()
	heap.check(t)
	c.checkEvents(all)
	c.checkLetters(all)
}

// corpus is what was published.
type corpus struct {
	*world

	sequences map[string]uint64 // in the request stream, by the message's name
	requests  int               // good ones
	events    int               // how many there must be
}

// good publishes a request that nothing is wrong with.
func (c *corpus) good() {
	c.t.Helper()
	r := purge.Request{ID: fmt.Sprintf("good-%d", c.requests), Targets: []string{url(c.requests)}}
	data, err := r.Encode()
	if err != nil {
		c.t.Fatal(err)
	}
	c.publish([]purge.Lane{purge.Bulk, purge.Interactive}[c.requests%2], "good", data)
	c.requests++
	c.events++
}

// send publishes a nasty message as it is.
func (c *corpus) send(m nasty.Message) {
	c.t.Helper()
	msg := &nats.Msg{Subject: m.Subject, Data: m.Body, Header: nats.Header{}}
	for name, value := range m.Headers {
		msg.Header[name] = []string{value}
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	ack, err := c.js.PublishMsg(ctx, msg, jetstream.WithRetryAttempts(0))
	if refused := err != nil; refused != m.End.Refused {
		c.t.Errorf("%s: the broker says %v, want it refused: %t", m.Name, err, m.End.Refused)
	}
	if err != nil {
		return
	}
	c.sequences[m.Name] = ack.Sequence
	if !m.End.Joins {
		c.events++
	}
}

// checkEvents makes sure that each message has its event, and that there is no other.
func (c *corpus) checkEvents(all []nasty.Message) {
	c.t.Helper()
	bySource := make(map[string][]purge.Outcome)
	stored := 0
	c.each("PURGE_EVENTS", func(m jetstream.Msg) {
		stored++
		e, err := purge.DecodeEvent(m.Data())
		if err != nil {
			c.t.Errorf("event on %s: %v", m.Subject(), err)
			return
		}
		bySource[e.Data.Source] = append(bySource[e.Data.Source], e.Data)
	})
	if stored != c.events {
		c.t.Errorf("I1: got %d events, want %d", stored, c.events)
	}
	c.checkGood(bySource["good"])
	for _, m := range all {
		if m.End.Refused || m.End.Joins {
			continue
		}
		ends := bySource[sourceOf(m)]
		if len(ends) != 1 {
			c.t.Errorf("I1: %s: got %d events, want 1", m.Name, len(ends))
			continue
		}
		c.checkEvent(m, &ends[0])
	}
}

func (c *corpus) checkGood(ends []purge.Outcome) {
	c.t.Helper()
	ids := make(map[string]bool)
	for _, o := range ends {
		ids[o.Request] = true
		if o.Status != purge.Completed {
			c.t.Errorf("I7: good request %s: %s, %v", o.Request, o.Status, o.Reason)
		}
	}
	if len(ids) != c.requests || len(ends) != c.requests {
		c.t.Errorf("I1: %d events of %d good requests, want %d", len(ends), len(ids), c.requests)
	}
}

func (c *corpus) checkEvent(m nasty.Message, o *purge.Outcome) {
	c.t.Helper()
	reason := cmp.Or(o.Reason, &purge.Reason{})
	if string(o.Status) != m.End.Status || m.End.Code != "" && reason.Code != m.End.Code {
		c.t.Errorf("%s: got %s, %v, want %s, %s", m.Name, o.Status, o.Reason, m.End.Status, m.End.Code)
	}
	if m.End.Field != nil && reason.Field != *m.End.Field {
		c.t.Errorf("%s: got field %q, want %q (%v)", m.Name, reason.Field, *m.End.Field, o.Reason)
	}
	if want := string(purge.Interactive); strings.Contains(m.Subject, want) && string(o.Lane) != want {
		c.t.Errorf("%s: got lane %s, want %s", m.Name, o.Lane, want)
	}
	// One that edgepurge made ends with the message's place in its stream.
	made := strings.HasPrefix(o.Request, "_") && strings.HasSuffix(o.Request, "-"+strconv.FormatUint(c.sequences[m.Name], 36))
	if o.Request != m.End.ID && (m.End.ID != "" || !made) {
		c.t.Errorf("%s: got id %q, want %q", m.Name, o.Request, cmp.Or(m.End.ID, "one that edgepurge made"))
	}
	want := purge.Counts{Total: m.End.Total, Succeeded: m.End.Succeeded, Failed: m.End.Total - m.End.Succeeded}
	if want.Total > 0 && o.Targets != want {
		c.t.Errorf("%s: got targets %+v, want %+v", m.Name, o.Targets, want)
	}
}

// checkLetters makes sure that what was refused, and nothing else, is kept byte by byte.
func (c *corpus) checkLetters(all []nasty.Message) {
	c.t.Helper()
	name := func(subject, code string, body []byte) string {
		line := strings.ToValidUTF8(subject, "") // as it stands in a header
		line = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' '
			}
			return r
		}, line)
		return fmt.Sprintf("%s on %s, %d bytes %.40q… %x", code, line, len(body), body, sha256.Sum256(body))
	}
	want, got := make(map[string]int), make(map[string]int)
	for _, m := range all {
		code := m.End.Letter
		if m.End.Status == string(purge.Rejected) {
			code = m.End.Code
		}
		if code != "" {
			want[name(m.Subject, code, m.Body)]++
		}
	}
	c.each("PURGE_DEAD", func(m jetstream.Msg) {
		h := m.Headers()
		got[name(h.Get("Edgepurge-Subject"), h.Get("Edgepurge-Code"), m.Data())]++
		if h.Get("Edgepurge-Message") == "" || !strings.Contains(h.Get("Edgepurge-Request"), "/") {
			c.t.Errorf("dead letter %s: got headers %v, want a message and a request", m.Subject(), h)
		}
	})
	for _, letter := range slices.Sorted(maps.Keys(want)) {
		if got[letter] != want[letter] {
			c.t.Errorf("got %d dead letters %s, want %d", got[letter], letter, want[letter])
		}
		delete(got, letter)
	}
	for _, letter := range slices.Sorted(maps.Keys(got)) {
		c.t.Errorf("got dead letter %s, want none", letter)
	}
}

// sourceOf reads what stands behind the lane.
func sourceOf(m nasty.Message) string {
	_, source, _ := purge.Subjects{Prefix: "purge"}.ParseRequest(m.Subject)
	return source
}
