package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

const page = "https://www.example.com/blog/hello/"

// message is what of a stored message tests look at.
type message struct {
	Subject, Data string
	Headers       int
}

// id is that of the request.
func (m message) id() string {
	r, _ := purge.Decode([]byte(m.Data), "")
	return r.ID
}

// messages are those of the stream of requests.
func (w *world) messages() []message {
	w.t.Helper()
	var s jetstream.Stream
	var err error
	w.until("the stream of requests", func() bool {
		s, err = w.js.Stream(w.t.Context(), "PURGE_REQUESTS")
		return err == nil
	})
	var all []message
	state := s.CachedInfo().State
	for sequence := state.FirstSeq; state.Msgs > 0 && sequence <= state.LastSeq; sequence++ {
		var m *jetstream.RawStreamMsg
		w.until("a message", func() bool { // a cluster may be electing a leader
			m, err = s.GetMsg(w.t.Context(), sequence)
			return err == nil
		})
		all = append(all, message{m.Subject, string(m.Data), len(m.Header)})
	}
	return all
}

func TestPurge_StoresTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	r := purge.Request{ID: "post-1", Targets: []string{page}}
	if id, err := c.Purge(t.Context(), r); id != "post-1" || err != nil {
		t.Fatalf("got %q, %v, want post-1", id, err)
	}
	r.ID = ""
	made, err := c.In(purge.Bulk).Purge(t.Context(), r)
	if err != nil || !purge.ValidID(made) {
		t.Fatalf("got %q, %v, want a valid id", made, err)
	}
	body := `{"id":%q,"targets":["` + page + `"]}`
	want := []message{
		{Subject: "purge.requests.interactive.ghost", Data: fmt.Sprintf(body, "post-1")},
		{Subject: "purge.requests.bulk.ghost", Data: fmt.Sprintf(body, made)},
	}
	if diff := cmp.Diff(want, w.messages()); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// Repeats are found by their id in the worker: the broker's table of message ids is one for all sources.
func TestPurge_TheSameIDIsNoError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	one, other := w.client(), w.client()
	for _, c := range []*client.Client{one, one, other, one.In(purge.Bulk)} {
		if id, err := c.Purge(t.Context(), purge.Request{ID: "post-1", Targets: []string{page}}); id != "post-1" || err != nil {
			t.Errorf("got %q, %v, want post-1: that it is stored already is no error", id, err)
		}
	}
	if got := w.messages(); len(got) != 4 || got[3].id() != "post-1" {
		t.Errorf("stored %v, want four messages", got)
	}
}

func TestPurge_RefusesWhatIsNotValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	tests := map[string]struct {
		request     purge.Request
		code, field string
	}{
		"no target":         {purge.Request{}, purge.CodeMalformed, "targets"},
		"an id of ours":     {purge.Request{ID: "_x", Targets: []string{page}}, purge.CodeMalformed, "id"},
		"no valid target":   {purge.Request{Targets: []string{"/about/", "/"}}, purge.CodeInvalidTarget, "targets[0]"},
		"a wildcard":        {purge.Request{Type: purge.Host, Targets: []string{"*"}}, purge.CodeInvalidTarget, "targets[0]"},
		"targets of all":    {purge.Request{Type: purge.All, Targets: []string{page}}, purge.CodeMalformed, "targets"},
		"target in Latin 1": {purge.Request{Targets: []string{page, "https://www.example.com/\xe9"}}, purge.CodeMalformed, "targets[1]"},
	}
	for name, tt := range tests {
		id, err := c.Purge(t.Context(), tt.request)
		reason, ok := errors.AsType[*purge.Reason](err)
		if !ok || reason.Code != tt.code || reason.Field != tt.field || id != "" {
			t.Errorf("%s: got %q, %v, want %s at %s", name, id, err, tt.code, tt.field)
		}
	}
	if got := w.messages(); len(got) != 0 {
		t.Errorf("stored %v, want nothing", got)
	}
	for _, r := range []purge.Request{
		{Targets: []string{"/about/", page}}, // the first fails alone
		{Type: purge.All, Zone: "zone-1"},
		{Type: purge.Tag, Targets: []string{"post-1"}, Hosts: []string{"www.example.com"}},
	} {
		if _, err := c.Purge(t.Context(), r); err != nil {
			t.Errorf("%v: got %v, want no error", r, err)
		}
	}
}

func TestNew_NamesEveryFault(t *testing.T) {
	t.Parallel()
	nc := new(nats.Conn)
	_, err := client.New(nc, client.Config{Prefix: "Purge", Source: "a.b", Lane: "fast", Timeout: -1})
	for _, want := range []string{`prefix is "Purge"`, `source is "a.b"`, `lane is "fast"`, "timeout is -1ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %s", err, want)
		}
	}
	if _, err := client.New(nil, client.Config{Source: "ghost"}); err == nil {
		t.Error("got no error without a connection, want one")
	}
}

func TestPurge_AnUnknownLaneIsRefused(t *testing.T) {
	t.Parallel()
	c := newWorld(t, nil).client().In("fast")
	if id, err := c.Purge(t.Context(), purge.Request{Targets: []string{page}}); err == nil || id != "" {
		t.Errorf("got %q, %v, want an error", id, err)
	}
}

func TestPurge_TellsWhenTheStreamIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *server.Options, s *broker.Settings) { s.MaxBytes = 16 << 10 })
	c := w.client()
	var err error
	stored := 0
	for ; err == nil && stored < 1000; stored++ {
		_, err = c.Purge(t.Context(), numbered(stored))
	}
	stored-- // the last one is not
	if !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "maximum bytes exceeded") {
		t.Fatalf("got %v after %d, want %v", err, stored, client.ErrFull)
	}
	if got := len(w.messages()); got != stored {
		t.Errorf("%d are stored, want the %d that returned nil", got, stored)
	}
	// What the worker makes room for can be asked for again.
	s, err := w.js.Stream(t.Context(), "PURGE_REQUESTS")
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.MaxBytes = 1 << 20
	if _, err := w.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Purge(t.Context(), numbered(stored)); err != nil {
		t.Errorf("after there is room: %v", err)
	}
}

func TestPurge_TellsWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	path := strings.Repeat("a", 8000)
	for _, n := range []int{125, 150} { // just below max_payload, and more than that
		r := purge.Request{ID: "large", Targets: make([]string, n)}
		for i := range r.Targets {
			r.Targets[i] = fmt.Sprintf("https://www.example.com/%s/%d", path, i)
		}
		if id, err := c.Purge(t.Context(), r); !errors.Is(err, client.ErrTooLarge) || id != "large" {
			t.Errorf("%d targets: got %q, %v, want %v", n, id, err, client.ErrTooLarge)
		}
	}
}

func TestPurge_TellsOfAMissingStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if err := w.js.DeleteStream(t.Context(), "PURGE_REQUESTS"); err != nil {
		t.Fatal(err)
	}
	c := w.client()
	c.SetAbsence(300 * time.Millisecond)
	_, err := c.Purge(t.Context(), purge.Request{ID: "a", Targets: []string{page}})
	if !errors.Is(err, client.ErrNoStream) {
		t.Fatalf("got %v, want %v", err, client.ErrNoStream)
	}
	if want := "purge a: PURGE_REQUESTS: stream does not exist; run `edgepurge setup`, or start a worker"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestPurge_WaitsForAStreamThatIsAwayForAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s, err := w.js.Stream(t.Context(), "PURGE_REQUESTS")
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	if err := w.js.DeleteStream(t.Context(), "PURGE_REQUESTS"); err != nil {
		t.Fatal(err)
	}
	created := make(chan struct{})
	time.AfterFunc(500*time.Millisecond, func() {
		defer close(created)
		if _, err := w.js.CreateStream(context.WithoutCancel(t.Context()), cfg); err != nil {
			t.Error(err)
		}
	})
	_, err = w.client().Purge(t.Context(), purge.Request{Targets: []string{page}})
	select {
	case <-created:
	case <-time.After(time.Minute):
		t.Error("the stream was not created within a minute")
	}
	if err != nil {
		t.Errorf("got %v, want it stored once the stream is there", err)
	}
}

func TestPurge_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	w.nats.Stop()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	late := time.AfterFunc(200*time.Millisecond, func() { cancel(cause) })
	defer late.Stop()
	id, err := c.Purge(ctx, purge.Request{Targets: []string{page}})
	if !errors.Is(err, cause) || !purge.ValidID(id) {
		t.Errorf("got %q, %v, want the id and %v", id, err, cause)
	}
	w.nats.Start()
	if _, err := c.Purge(ctx, purge.Request{Targets: []string{page}}); !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}
