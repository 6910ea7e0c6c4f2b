package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

// mostBytes is about the most that a request message may have: the server's max_payload less 64 KiB, and
// its headers.
const mostBytes = 1<<20 - 65<<10

// badMessages are as large as messages get, and bad in every way: not JSON, nested without end, not UTF-8,
// with more targets than a window holds, with one that is no URL.
func badMessages() map[string]string {
	fill := func(head, each, tail string) string {
		return head + strings.Repeat(each, (mostBytes-len(head)-len(tail))/len(each)) + tail
	}
	return map[string]string{
		"garbage":         fill("", "\x00\xde\xad ", ""),
		"spaces":          fill("", " ", ""),
		"deep objects":    fill("", `{"targets":`, ""),
		"deep arrays":     fill(`{"targets":`, "[", ""),
		"deep labels":     fill(`{"labels":`, `{"a":`, ""),
		"not UTF-8":       fill(`{"id":"`, "\xff", `"}`),
		"empty targets":   fill(`{"targets":["x"`, `,""`, `]}`),
		"bad targets":     fill(`{"targets":["x"`, `,"x"`, `]}`),
		"numbers":         fill(`{"targets":[1`, `,1`, `]}`),
		"one long target": fill(`{"targets":["https://www.example.com/`, "x", `"]}`),
		"escapes":         fill(`{"targets":["`, `\u0000`, `"]}`),
		"unknown fields":  fill(`{"targets":["https://www.example.com/"]`, `,"x":1`, `}`),
		"long unknown":    fill(`{"targets":["https://www.example.com/"],"`, "x", `":1}`),
		"long id":         fill(`{"targets":["https://www.example.com/"],"id":"`, "x", `"}`),
		"many hosts":      fill(`{"type":"tag","targets":["x"],"hosts":["a.example"`, `,"a.example"`, `]}`),
		"long label":      fill(`{"targets":["https://www.example.com/"],"labels":{"`, "x", `":""}}`),
	}
}

// Messages of one source that are bad in every way, with headers that speak for another source, are
// rejected, each with its reason and a dead letter of its own. Memory stays flat, and nothing of the
// other source is touched.
func TestFailure_BadMessages(t *testing.T) {
	t.Parallel()
	const good = 50
	w := newWorld(t, nil)
	w.provision()
	n := 0
	for name, data := range badMessages() {
		times := 2
		if strings.HasSuffix(name, " targets") {
			times = 8 // these take most when they are read
		}
		for i := range times {
			m := nats.NewMsg(purge.Subjects{Prefix: "purge"}.Request([]purge.Lane{purge.Bulk, purge.Interactive}[i%2], "evil"))
			m.Data = []byte(data)
			m.Header = nats.Header{
				"Nats-Msg-Id": {fmt.Sprintf("ghost.bad%d", n)}, "Status": {"409"}, "Edgepurge-Version": {"1"},
				"Edgepurge-Request": {"ghost/r1"}, "Edgepurge-Code": {"Policy"}, "Edgepurge-Subject": {"purge.requests.bulk.ghost"},
			}
			if i == 0 {
				m.Header.Set("Content-Type", "application/cloudevents+json")
			}
			if _, err := w.js.PublishMsg(t.Context(), m); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			n++
		}
	}
	for i := range good {
		r := purge.Request{ID: fmt.Sprintf("r%d", i), Targets: []string{url(i)}}
		data, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		w.publish(purge.Bulk, "ghost", data)
	}
	r := w.replica(build(t))
	w.until("the events", func() bool { return w.count("PURGE_EVENTS") >= n+good })
	w.settled()
	peak := r.peak(t)
	ends := make(map[string]int)
	w.each("PURGE_EVENTS", func(m jetstream.Msg) {
		e, err := purge.DecodeEvent(m.Data())
		if err != nil || e.Data.Status != purge.Completed && e.Data.Reason == nil {
			t.Errorf("%s: %s without a reason (%v)", m.Subject(), e.Data.Status, err)
		}
		ends[e.Data.Source+" "+string(e.Data.Status)]++
	})
	if ends["ghost completed"] != good || ends["evil rejected"] != n || len(ends) != 2 {
		t.Errorf("got %v, want %d completed of ghost and %d rejected of evil", ends, good, n)
	}
	if letters := w.letters(); letters != n {
		t.Errorf("%d dead letters are evil's own and whole, want %d", letters, n)
	}
	if most := 384 << 20; peak > most {
		t.Errorf("the worker took %d MiB for %d MiB of messages, want what it holds at once, not all that came", peak>>20, n*mostBytes>>20)
	}
}

// letters counts the dead letters of source evil that have all of their bytes.
func (w *world) letters() (n int) {
	w.t.Helper()
	cons, err := w.js.OrderedConsumer(w.t.Context(), "PURGE_DEAD", jetstream.OrderedConsumerConfig{HeadersOnly: true})
	if err != nil {
		w.t.Fatal(err)
	}
	lot, err := cons.Fetch(w.count("PURGE_DEAD"), jetstream.FetchMaxWait(patience))
	if err != nil {
		w.t.Fatal(err)
	}
	for m := range lot.Messages() {
		of, size := m.Headers().Get("Edgepurge-Request"), m.Headers().Get("Nats-Msg-Size")
		bytes, err := strconv.Atoi(size)
		if err != nil || bytes < mostBytes-100 || !strings.HasPrefix(of, "evil/") || !strings.HasSuffix(m.Subject(), ".evil") {
			w.t.Errorf("dead letter on %s of %s with %s bytes", m.Subject(), of, size)
			continue
		}
		n++
	}
	return n
}

// peak is the most memory that a process had, in bytes.
func (r *replica) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.cmd.Process.Pid), "status"))
	if err != nil {
		t.Skip("the system does not tell the memory of a process")
	}
	m := regexp.MustCompile(`VmHWM:\s+([0-9]+) kB`).FindSubmatch(status)
	if m == nil {
		t.Skip("the system does not tell the memory of a process")
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
