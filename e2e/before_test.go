package e2e_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// kept is a message of testdata/before.jsonl: requests, and what a worker of the version with the first rules for targets
// made of them. It stood in the stream at Seq since Time.
type kept struct {
	Kind    string      `json:"kind"`
	Subject string      `json:"subject"`
	Header  nats.Header `json:"header"`
	Time    time.Time   `json:"time"`
	Seq     uint64      `json:"seq"`
	Data    string      `json:"data"`
}

func keptOf(t *testing.T, kind string) (all []kept) {
	t.Helper()
	f, err := os.Open("testdata/before.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var k kept
		if err := json.Unmarshal(lines.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		if k.Kind == kind {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no messages of kind %s", kind)
	}
	return all
}

// put stores a message with its data changed.
func (w *world) put(k kept, data string, changes ...string) uint64 {
	w.t.Helper()
	m := nats.NewMsg(strings.NewReplacer(changes...).Replace(k.Subject))
	m.Header, m.Data = k.Header, []byte(strings.NewReplacer(changes...).Replace(data))
	if m.Header == nil {
		m.Header = nats.Header{}
	}
	ack, err := w.js.PublishMsg(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	return ack.Sequence
}

// began stores requests and has each delivered once, as the version before did. It returns what records of that version
// have to say otherwise, because the requests came at another time here: pairs of old and new.
func (w *world) began(requests []kept) (changes []string) {
	w.t.Helper()
	s, err := w.js.Stream(w.t.Context(), "PURGE_REQUESTS")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, k := range requests {
		m, err := s.GetMsg(w.t.Context(), w.put(k, k.Data))
		if err != nil {
			w.t.Fatal(err)
		}
		changes = append(changes,
			k.Time.Format(time.RFC3339Nano), m.Time.UTC().Format(time.RFC3339Nano),
			purge.GeneratedID(k.Time, k.Seq), purge.GeneratedID(m.Time, m.Sequence))
	}
	lane, err := s.Consumer(w.t.Context(), string(purge.Bulk))
	if err != nil {
		w.t.Fatal(err)
	}
	lot, err := lane.Fetch(len(requests))
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for range lot.Messages() {
		n++
	}
	if n != len(requests) {
		w.t.Fatalf("%d of %d requests were delivered", n, len(requests))
	}
	return changes
}

// sent are the targets of all calls, in order.
func sent(f *front) (targets []string) {
	for _, c := range f.all(createPurge, nil) {
		targets = append(targets, c.Targets...)
	}
	slices.Sort(targets)
	return targets
}

func (w *world) noLetters() {
	w.t.Helper()
	w.each("PURGE_DEAD", func(m jetstream.Msg) {
		w.t.Errorf("dead letter: %s of %s", m.Headers().Get("Edgepurge-Message"), m.Data())
	})
}

// A job of the version before is compared with EdgeOne's rows in the form in which it was sent, its requests keep their
// ids, and their messages, which come once more, are acked with it. One target fails: it is told, and sent again as it was.
func TestBefore_JobEndsInTheFormInWhichItWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		if c.Action != describeTasks {
			return false
		}
		c.alter(t, rw, func(response map[string]any) {
			tasks, _ := response["Tasks"].([]any)
			for _, task := range tasks {
				if row, ok := task.(map[string]any); ok && row["Target"] == "https://www.example.com/ts%20" && row["Status"] == "success" {
					row["Status"] = "failed"
				}
			}
		})
		return true
	})
	w.provision()
	changes := w.began(keptOf(t, "job-request"))
	api, err := edgeone.New(edgeone.Config{
		Credentials: common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), Endpoint: w.url, Version: newAPI,
	})
	if err != nil {
		t.Fatal(err)
	}
	job := keptOf(t, "job")[0]
	created, err := api.CreatePurge(t.Context(), edgeone.Purge{Zone: "zone-a", Type: purge.URL, Targets: []string{
		"https://www.example.com/ts%20", "https://www.example.com/a/../b", "https://www.example.com/blog/*",
		"https://www.example.com/y", "https://www.example.com/plain", "https://www.example.com/ev-1",
		"https://www.example.com/ev-2", "https://www.example.com/ev-3", "https://www.example.com/ev-4",
	}})
	if err != nil {
		t.Fatal(err)
	}
	head, err := record.DecodeHead([]byte(strings.SplitN(job.Data, "\n", 2)[0]))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	changes = append(changes, head.ID, created.JobID,
		head.Submitted.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano), head.Created.Format(time.RFC3339Nano), now.Format(time.RFC3339))
	w.put(job, job.Data, changes...)
	w.start()

	want := []string{"space", "dots", "star", "twice", "plain", "ev-1", "m-1"}
	for i, r := range keptOf(t, "job-request") {
		if i == 6 || i == 8 { // ids that did not fit, and headers that were not read
			want = append(want, changes[slices.Index(changes, purge.GeneratedID(r.Time, r.Seq))+1])
		}
	}
	events := w.await(len(want))
	for _, id := range want {
		o := events[id]
		if id != "space" {
			if o.Status != purge.Completed || !slices.Equal(o.Jobs, []string{created.JobID}) {
				t.Errorf("%s: %s in jobs %v (%v), want completed in the stored one", id, o.Status, o.Jobs, o.Reason)
			}
			continue
		}
		if o.Status != purge.Failed || len(o.Failures) != 1 || o.Failures[0].Target != "https://www.example.com/ts " {
			t.Errorf("%s: %s with %v, want failed for its target as written", id, o.Status, o.Failures)
		}
	}
	if got := sent(f); !slices.Equal(got, []string{"https://www.example.com/ts%20", "https://www.example.com/ts%20"}) {
		t.Errorf("sent %q, want the failed target twice more, in its form", got)
	}
	w.noLetters()
}

// What is to be sent again goes out in the form in which it went before.
func TestBefore_RetryPartIsSentAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	f := w.front(nil)
	w.provision()
	w.put(kept{Subject: "purge.jobs.main.zone-a.gone.salt.0"}, "the part that failed") // the sequence that the rest names
	w.remove("PURGE_JOBS", "purge.jobs.main.zone-a.gone.salt.0")
	for _, kind := range []string{"progress", "again"} {
		k := keptOf(t, kind)[0]
		w.put(k, k.Data)
	}
	w.start()
	if o := w.await(1)["again"]; o.Status != purge.Partial || o.Targets.Succeeded != 2 || o.Targets.Total != 3 {
		t.Errorf("got %s with %+v (%v), want two of three", o.Status, o.Targets, o.Reason)
	}
	want := []string{"https://www.example.com/../again", "https://www.example.com/again%20"}
	if got := sent(f); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// A request of which a part is done goes on with the rest as it began.
func TestBefore_RestOfARequestIsSentByItsRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	f := w.front(nil)
	w.provision()
	changes := w.began(keptOf(t, "wide-request"))
	k := keptOf(t, "wide")[0]
	w.put(k, k.Data, changes...)
	w.start()
	if o := w.await(1)["wide"]; o.Status != purge.Completed || o.Targets.Total != 3 {
		t.Errorf("got %s with %+v (%v), want completed", o.Status, o.Targets, o.Reason)
	}
	want := []string{"https://www.example.com/./wide", "https://www.example.com/wide%20"}
	if got := sent(f); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q: the other zone's target is done", got, want)
	}
	w.noLetters()
}

// Parked requests keep their ids and forms; their messages, whose acks were lost, are acked.
func TestBefore_ParkedRequestsKeepIDAndForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	f := w.front(nil)
	w.provision()
	changes := w.began(keptOf(t, "parked-request"))
	q := record.Queue{Account: "main", Zone: "zone-a", Type: purge.URL, Lane: purge.Bulk}
	if _, err := w.broker().Parked.Open(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	for _, k := range keptOf(t, "parked") {
		w.put(k, k.Data, changes...)
	}
	w.start()
	events := w.await(2)
	for id, targets := range map[string]int{"parked": 2, "ev-p": 1} {
		if o := events[id]; o.Status != purge.Completed || o.Targets.Succeeded != targets {
			t.Errorf("%s: %s with %+v (%v), want completed", id, o.Status, o.Targets, o.Reason)
		}
	}
	want := []string{
		"https://www.example.com/a/../parked", "https://www.example.com/ev-p", "https://www.example.com/parked%20",
	}
	if got := sent(f); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	w.noLetters()
}

// What has ended stays ended, whether its message comes again or its producer publishes it once more; only a CloudEvents
// message that is published anew is another request, because its id is another now.
func TestBefore_EndedRequestsAreNotReused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	f := w.front(nil)
	w.provision()
	requests := keptOf(t, "ended-request")
	changes := w.began(requests)
	for _, k := range keptOf(t, "event") {
		w.put(k, k.Data, changes...)
	}
	stop := w.start()
	w.await(len(requests))
	w.until("the messages to be acked", func() bool { return w.count("PURGE_REQUESTS") == 0 })
	if got := sent(f); len(got) > 0 {
		t.Errorf("sent %q, want nothing", got)
	}
	stop()
	w.start()
	for _, k := range requests {
		w.put(k, k.Data)
	}
	events := w.await(len(requests) + 1)
	if got := sent(f); !slices.Equal(got, []string{"https://www.example.com/ev-d"}) {
		t.Errorf("sent %q, want that of the CloudEvents message", got)
	}
	again := slices.DeleteFunc(slices.Collect(maps.Values(events)), func(o purge.Outcome) bool { return o.CloudEvent == nil })
	if len(again) != 1 || !strings.HasPrefix(again[0].Request, "ce-") || *again[0].CloudEvent != (purge.CloudEvent{Source: "/cms", ID: "ev-d"}) {
		t.Errorf("got %+v, want one event that names its message", again)
	}
	w.noLetters()
}
