package broker_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestEventsOf_FindsHitsAmongMisses(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	const n = 3000 // in several lots, and with more hits than the server answers at once
	var events []purge.Event
	var keys []record.Key
	want := make(map[record.Key]string)
	for i := range n {
		k := record.Key{Source: []string{"ghost", "shop"}[i%2], ID: fmt.Sprintf("r-%d", i)}
		keys = append(keys, k)
		if i%3 != 0 {
			events = append(events, event(k.Source, k.ID, statuses()[i%5]))
			want[k] = string(statuses()[i%5]) + " digest of " + k.ID
		}
	}
	tell(t, b, events...)
	tell(t, b, event("other", "r-0", purge.Completed)) // of the same id
	found, err := b.Events.Find(t.Context(), keys)
	if err != nil {
		t.Fatalf("look up: %v", err)
	}
	got := make(map[record.Key]string)
	for k, o := range found {
		got[k] = string(o.Status) + " " + o.Digest
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b.Conn.NATS().NumSubscriptions() > 2 {
		t.Errorf("got %d subscriptions, want none of a look-up", b.Conn.NATS().NumSubscriptions())
	}
}

// answerer stands in for the server's look-ups, which cut an answer above 64 MiB.
func answerer(t *testing.T, answer func(reply func(status, text string, headers ...string), hit func(filter string), filters []string)) *broker.Broker {
	t.Helper()
	s := natstest.Start(t, func(o *server.Options) { o.JetStream = false })
	nc := client(t, s).Conn()
	_, err := nc.Subscribe("$JS.API.DIRECT.GET.PURGE_EVENTS", func(m *nats.Msg) {
		var ask struct {
			MultiLast []string `json:"multi_last"`
		}
		if err := json.Unmarshal(m.Data, &ask); err != nil {
			t.Errorf("look-up %q: %v", m.Data, err)
		}
		send := func(data []byte, headers ...string) {
			r := nats.NewMsg(m.Reply)
			r.Data = data
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			if err := nc.PublishMsg(r); err != nil {
				t.Errorf("answer: %v", err)
			}
		}
		hit := func(filter string) {
			id := filter[strings.LastIndex(filter, ".")+1:]
			data, err := event("ghost", id, purge.Completed).Encode()
			if err != nil {
				t.Errorf("encode: %v", err)
			}
			send(data, "Nats-Subject", "purge.events.ghost.completed."+id, "Content-Type", purge.EventContentType)
		}
		answer(func(status, text string, headers ...string) {
			send(nil, append([]string{"Status", status, "Description", text}, headers...)...)
		}, hit, ask.MultiLast)
	})
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatalf("flush: %v", err)
	}
	return connect(t, s, settings())
}

func TestEventsOf_AsksForLessWhenTheAnswerIsCut(t *testing.T) {
	t.Parallel()
	b := answerer(t, func(end func(string, string, ...string), hit func(string), filters []string) {
		switch n := len(filters); {
		case n > 100:
			end("413", "Too Many Results")
		case n > 10:
			for _, f := range filters[:10] {
				hit(f)
			}
			end("204", "EOB", "Nats-Num-Pending", strconv.Itoa(n-10))
		case n > 1:
			hit(filters[0])
			end("404", "Message Not Found") // one of them could not be read
		default:
			hit(filters[0])
			end("204", "EOB", "Nats-Num-Pending", "0")
		}
	})
	var keys []record.Key
	for i := range 300 {
		keys = append(keys, record.Key{Source: "ghost", ID: fmt.Sprintf("r-%d", i)})
	}
	found, err := b.Events.Find(t.Context(), keys)
	if err != nil {
		t.Fatalf("look up: %v", err)
	}
	for _, k := range keys {
		if found[k].Request != k.ID {
			t.Errorf("%s: got the event of %q", k, found[k].Request)
		}
	}
}

func TestEventsOf_IsAnErrorWithoutAWholeAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"413", "404", "204", "500", "408"} {
		t.Run(status, func(t *testing.T) {
			b := answerer(t, func(end func(string, string, ...string), hit func(string), filters []string) {
				hit(filters[0])
				end(status, "Whatever", "Nats-Num-Pending", "1")
			})
			if found, err := b.Events.Find(t.Context(), []record.Key{{Source: "ghost", ID: "a"}}); err == nil {
				t.Errorf("got %v, nil, want an error", found)
			}
		})
	}
}

func TestEventsOf_FindsNothing(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	for _, keys := range [][]record.Key{nil, {{Source: "ghost", ID: "a"}}} {
		if found, err := b.Events.Find(t.Context(), keys); err != nil || len(found) != 0 {
			t.Errorf("%v: got %v, %v, want nothing", keys, found, err)
		}
	}
	tell(t, b, event("ghost", "b", purge.Completed))
	if found, err := b.Events.Find(t.Context(), []record.Key{{Source: "ghost", ID: "a"}}); err != nil || len(found) != 0 {
		t.Errorf("among others: got %v, %v, want nothing", found, err)
	}
	if err := client(t, s).DeleteStream(t.Context(), "PURGE_EVENTS"); err != nil {
		t.Fatalf("delete stream: %v", err)
	}
	if found, err := b.Events.Find(t.Context(), []record.Key{{Source: "ghost", ID: "b"}}); !broker.Gone(err) {
		t.Errorf("without a stream: got %v, %v, want an error", found, err)
	}
	s.Stop()
	eventually(t, "the connection is lost", func() bool { return b.Conn.Check() != nil })
	if found, err := b.Events.Find(t.Context(), []record.Key{{Source: "ghost", ID: "b"}}); err == nil {
		t.Errorf("without a server: got %v, want an error", found)
	}
}
