package ledger_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// TestMain lets more tests run side by side than there are cores: many wait for a server.
func TestMain(m *testing.M) {
	kit.Parallel(8)
	goleak.VerifyTestMain(m)
}

const (
	account  = "main"
	testZone = "zone-1"
	badCode  = "taskFailed"
)

var (
	requested = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	received  = requested.Add(time.Second)
	submitted = requested.Add(2 * time.Second)
)

// stored is the broker as a ledger stores in it.
type stored struct{ *broker.Broker }

func (r *stored) stores() ledger.Stores {
	return ledger.Stores{Jobs: r.Jobs, Progress: r.Progress, Events: r.Events, Dead: r.Dead, Parked: r.Parked}
}

// newBroker is the real broker with its streams, on a server of its own.
func newBroker(t *testing.T) *stored {
	t.Helper()
	b, err := broker.Connect(broker.Dial{URL: natstest.Start(t, nil).URL}, broker.Settings{
		Prefix: "purge", Replicas: 1, MaxBytes: 64 << 20, EventsKeep: time.Hour, DeadKeep: time.Hour,
		BulkWindow: 1000, InteractiveWindow: 100,
	}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Conn.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Conn.Ready(ctx, func(error) {}); err != nil {
		t.Fatal(err)
	}
	if err := b.Streams.Provision(ctx, false); err != nil {
		t.Fatal(err)
	}
	return &stored{b}
}

func newLedger(store durable) *ledger.Ledger {
	return ledger.New(ledger.Config{Instance: "test"}, store.stores(), zap.NewNop())
}

// request makes a request of so many targets, whose names end in bad where EdgeOne fails them.
func request(id string, total int) record.Request {
	return record.Request{
		Source: "ghost", ID: id, Lane: purge.Bulk, Type: purge.URL, Digest: "digest of " + id, Total: total,
		Requested: requested, Received: received, Labels: map[string]string{"post": id},
	}
}

// target is the one at index of a request, as its requester wrote it; bad ones fail.
func target(r record.Request, index int, bad bool) string {
	end := "good"
	if bad {
		end = "bad"
	}
	return fmt.Sprintf("https://WWW.example.com/%s/%d/%s", r.ID, index, end)
}

// jobOf makes a job without shares.
func jobOf(id string) *record.Job {
	return &record.Job{Head: record.Head{
		Account: account, Zone: testZone, ID: id, Type: purge.URL, Submitted: submitted,
	}}
}

// put adds targets of a request to a job.
func put(j *record.Job, r record.Request, spans bool, indexes ...int) *record.Share {
	s := record.Share{Request: r, Attempts: 1, MultiJob: spans}
	for _, i := range indexes {
		s.Add(len(j.Targets), i)
		j.Targets = append(j.Targets, target(r, i, i%3 == 2))
	}
	j.Rows = len(j.Targets)
	j.Shares = append(j.Shares, s)
	return &j.Shares[len(j.Shares)-1]
}

// outcome has a row for each target of the requests, by its canonical form; every third, as put
// wrote them, has failed.
func outcome(requests ...record.Request) record.Outcome {
	out := record.Outcome{Finished: submitted.Add(time.Second)}
	for _, r := range requests {
		for i := range r.Total {
			canonical, err := purge.Canonical(r.Type, target(r, i, i%3 == 2))
			if err != nil {
				continue
			}
			row := record.Row{Target: canonical}
			if i%3 == 2 {
				row.Result = record.Result{Code: badCode, Reason: "node 7 is on fire"}
			}
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

// events reads the stored events of a source by request, and fails the test where a request has
// two.
func events(t *testing.T, b *stored, source string) map[record.Key]purge.Event {
	t.Helper()
	all := make(map[record.Key]purge.Event)
	err := b.Events.Read(t.Context(), source, broker.ReadStored, nil, func(e broker.Event) bool {
		k := record.Key{Source: e.Source, ID: e.ID}
		if _, twice := all[k]; twice {
			t.Errorf("%s has two events", k)
		}
		event, err := purge.DecodeEvent(e.Data)
		if err != nil {
			t.Error(err)
		}
		if event.Data.Status != e.Status {
			t.Errorf("event of %s says %s under a subject of %s", k, event.Data.Status, e.Status)
		}
		all[k] = event
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// oneEvent reads the event of a request, which has to have ended.
func oneEvent(t *testing.T, b *stored, r record.Request) purge.Outcome {
	t.Helper()
	e, ok := events(t, b, r.Source)[r.Key()]
	if !ok {
		t.Fatalf("%s has no event", r.Key())
	}
	return e.Data
}

func noEvent(t *testing.T, b *stored, r record.Request, when string) {
	t.Helper()
	if e, ok := events(t, b, r.Source)[r.Key()]; ok {
		t.Fatalf("%s has an event %s: %+v", r.Key(), when, e.Data)
	}
}

// parts gives the sequences of all stored parts.
func parts(t *testing.T, b durable) []uint64 {
	t.Helper()
	var all []uint64
	for part, err := range b.stores().Jobs.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part.Sequence)
	}
	return all
}

// progress reads a request's progress record; nil when there is none.
func progress(t *testing.T, b durable, r record.Request) *record.Progress {
	t.Helper()
	data, _, err := b.stores().Progress.Get(t.Context(), r.Key())
	if err != nil {
		t.Fatal(err)
	}
	if data == nil {
		return nil
	}
	p, err := record.DecodeProgress(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// must records jobs and gives what the tracker gets of them.
func must(t *testing.T, l *ledger.Ledger, jobs ...*record.Job) []record.InFlight {
	t.Helper()
	var all []record.InFlight
	for _, j := range jobs {
		f, err := l.Record(t.Context(), j)
		if err != nil {
			t.Fatalf("record %s: %v", j.ID, err)
		}
		all = append(all, f)
	}
	return all
}

func ended(t *testing.T, l *ledger.Ledger, job record.InFlight, out record.Outcome) {
	t.Helper()
	if err := l.End(t.Context(), job, out); err != nil {
		t.Fatalf("end %s: %v", job.ID, err)
	}
}

// failures lists an event's failures by target and code.
func failures(o purge.Outcome) []string {
	var all []string
	for _, f := range o.Failures {
		all = append(all, f.Code+" "+f.Target)
	}
	slices.Sort(all)
	return all
}

func byID(a, b record.InFlight) int { return cmp.Compare(a.ID, b.ID) }

// newer makes a stored record look as if a newer edgepurge wrote it.
func newer(data []byte) []byte {
	return []byte(strings.Replace(string(data), `{"v":1`, `{"v":2`, 1))
}
