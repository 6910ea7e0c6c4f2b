package broker_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const cloudEvent = purge.EventContentType

func TestReplay_IsTheRequestWithALabel(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	for i, c := range []struct {
		name, contentType, body, want string
	}{
		{"plain", "", `{"id":"a","targets":["https://a.example/"]}`, `{"targets":["https://a.example/"],"labels":{"replay_of":"ghost/a"}}`},
		{"without id", "", `{"targets":["https://a.example/"]}`, `{"targets":["https://a.example/"],"labels":{"replay_of":"ghost/a"}}`},
		{"id alone, escaped, twice", "", `{"\u0069d":"_x","targets":["https://a.example/"],"id" : "a"}`, `{"targets":["https://a.example/"],"labels":{"replay_of":"ghost/a"}}`},
		{
			"what is odd stays", "application/json", "\n { \"targets\" : [ \"https://a.example/?a=1&b=<\\u00e9>\" ] ,\t\"zone\": null, \"id\":\"a\"} \r\n",
			"\n { \"targets\" : [ \"https://a.example/?a=1&b=<\\u00e9>\" ] ,\t\"zone\": null,\"labels\":{\"replay_of\":\"ghost/a\"}} \r\n",
		},
		{"labels", "", `{"labels":{ "k": "v" },"targets":["https://a.example/"]}`, `{"labels":{ "k": "v" ,"replay_of":"ghost/a"},"targets":["https://a.example/"]}`},
		{"no labels", "", `{"labels":null,"targets":["https://a.example/"]}`, `{"labels":{"replay_of":"ghost/a"},"targets":["https://a.example/"]}`},
		{"of a replay", "", `{"targets":["https://a.example/"],"labels":{"replay_of":"x/y","k":"v"}}`, `{"targets":["https://a.example/"],"labels":{"k":"v","replay_of":"ghost/a"}}`},
		{
			"cloud event", "Application/CloudEvents+JSON; charset=utf-8", `{"specversion":"1.0","id":"a","type":"t","data":{"id":"b","targets":["https://a.example/"]},"x":1}`,
			`{"specversion":"1.0","id":"_replay-%d","type":"t","data":{"targets":["https://a.example/"],"labels":{"replay_of":"ghost/a"}},"x":1}`,
		},
		{
			"cloud event without id and content type", "", `{"data":{"targets":["https://a.example/"]},"specversion":"1.0"}`,
			`{"data":{"targets":["https://a.example/"],"labels":{"replay_of":"ghost/a"}},"specversion":"1.0","id":"_replay-%d"}`,
		},
	} {
		d := letter(uint64(i+1), time.Now())
		d.Data, d.ContentType = []byte(c.body), c.contentType
		bury(t, b, d)
		sequence := uint64(i + 1)
		want := strings.ReplaceAll(c.want, "%d", strconv.FormatUint(sequence, 10))
		r, err := b.Dead.Replay(t.Context(), sequence)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		key := record.Key{Source: "ghost", ID: fmt.Sprintf("_replay-%d", sequence)}
		if r != (broker.Replay{Sequence: sequence, Key: key, Lane: purge.Bulk, Of: "ghost/a"}) {
			t.Errorf("%s: got %+v", c.name, r)
		}
		all := messages(t, js, "PURGE_REQUESTS", ">")
		m := all[len(all)-1]
		if string(m.Data) != want || m.Subject != d.Subject {
			t.Errorf("%s: got %s on %s,\nwant %s", c.name, m.Data, m.Subject, want)
		}
		if got := m.Header.Get("Edgepurge-Replay"); got != key.ID || m.Header.Get("Nats-Msg-Id") != "" {
			t.Errorf("%s: headers %v, want the new id in its own header alone", c.name, m.Header)
		}
		if got := m.Header.Get("Content-Type"); got != c.contentType {
			t.Errorf("%s: content type %q, want %q", c.name, got, c.contentType)
		}
		body, err := purge.Decode(m.Data, m.Header.Get("Content-Type"))
		if err != nil || body.ID != "" || body.Labels["replay_of"] != "ghost/a" {
			t.Errorf("%s: decodes to %+v, %v; want no id of its own, and the label", c.name, body, err)
		}
	}
}

func TestReplay_TwiceIsOneRequest(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	d := letter(1, time.Now())
	d.Data = []byte(`{"targets":["https://a.example/"]}`)
	bury(t, b, d)
	for i := range 2 { // of the same id: the worker takes them for one
		r, err := b.Dead.Replay(t.Context(), 1)
		if err != nil || r.Again {
			t.Errorf("replay %d: got %+v, %v", i, r, err)
		}
	}
	got := pull(t, lane(t, b, purge.Bulk), 2)
	for i, d := range got {
		if d.MsgID != "ghost._replay-1" || string(d.Data) != string(got[0].Data) {
			t.Errorf("request %d: got %q named by %q, want the same twice", i, d.Data, d.MsgID)
		}
	}
	o := purge.Outcome{Request: "_replay-1", Source: "ghost", Status: purge.Completed}
	for _, err := range b.Events.Publish(t.Context(), []purge.Event{purge.NewEvent("test", o, time.Now())}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if r, err := b.Dead.Replay(t.Context(), 1); err != nil || !r.Again {
		t.Errorf("after its end: got %+v, %v, want that it is known", r, err)
	}
	if n := stored(t, client(t, s), "PURGE_REQUESTS"); n != 2 {
		t.Errorf("%d requests, want none more", n)
	}
	if n := stored(t, client(t, s), "PURGE_DEAD"); n != 1 {
		t.Errorf("%d letters, want that it stays", n)
	}
}

// A request may have no room for the label; the id tells the same.
func TestReplay_KeepsAllLabels(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	labels := make([]string, purge.MaxLabels)
	for i := range labels {
		labels[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	d := letter(1, time.Now())
	d.Data = []byte(`{"targets":["https://a.example/"],"labels":{` + strings.Join(labels, ",") + `}}`)
	bury(t, b, d)
	if _, err := b.Dead.Replay(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if m := messages(t, client(t, s), "PURGE_REQUESTS", ">"); len(m) != 1 || string(m[0].Data) != string(d.Data) {
		t.Errorf("got %d requests, want the letter's as it was", len(m))
	}
}

func TestReplay_RefusesWhatCanNotBeARequest(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	valid := `{"targets":["https://a.example/"]}`
	for i, c := range []struct{ name, subject, contentType, body, want string }{
		{"garbage", "", "", "\x00\xff", "not UTF-8"},
		{"empty", "", "", "", "JSON"},
		{"no object", "", "", "[1]", "JSON object"},
		{"cut", "", "", `{"targets":["https://a.exam`, "not JSON"},
		{"more behind", "", "", valid + " x", "not JSON"},
		{"no targets", "", "", `{"id":"a"}`, "at least one target"},
		{"unknown field", "", "", `{"targets":["https://a.example/"],"prefech":true}`, "prefech"},
		{"labels of another kind", "", "", `{"targets":["https://a.example/"],"labels":7}`, "labels"},
		{"cloud event without data", "", cloudEvent, `{"specversion":"1.0"}`, "data"},
		{"cloud event with text", "", cloudEvent, `{"specversion":"1.0","data":"x"}`, "data"},
		{"cloud event of 0.3", "", cloudEvent, `{"specversion":"0.3","data":` + valid + `}`, "specversion"},
		{"odd source", "purge.requests.bulk.Ghost!", "", valid, "Ghost!"},
		{"no lane", "purge.jobs.x", "", valid, "purge.jobs.x"},
	} {
		d := letter(uint64(i+1), time.Now())
		d.Data, d.ContentType = []byte(c.body), c.contentType
		if c.subject != "" {
			d.Subject = c.subject
		}
		bury(t, b, d)
		if _, err := b.Dead.Replay(t.Context(), uint64(i+1)); !errors.Is(err, broker.ErrNoReplay) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want that it %v, and of %q", c.name, err, broker.ErrNoReplay, c.want)
		}
	}
	if n := stored(t, client(t, s), "PURGE_REQUESTS"); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}
