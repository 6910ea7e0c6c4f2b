package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// errAway is what the fakes say while they are away.
var errAway = errors.New("away")

// lane brings what a test gives it.
type lane struct {
	deliveries chan record.Delivery // capacity: what a test gives at once

	mu   sync.Mutex
	gone bool // the stream was made anew
}

func (l *lane) Pull(ctx context.Context, room int) ([]record.Delivery, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case d := <-l.deliveries:
		lot := []record.Delivery{d}
		for len(lot) < room && len(l.deliveries) > 0 {
			lot = append(lot, <-l.deliveries)
		}
		return lot, nil
	}
}

func (l *lane) Same(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return fmt.Errorf("lane: %w", record.ErrGone)
	}
	return nil
}

func (l *lane) Rest() []record.Delivery                               { return nil }
func (l *lane) AckWait() time.Duration                                { return time.Minute }
func (l *lane) Depth(context.Context) (int, int, error)               { return 0, 0, nil }
func (l *lane) ShortenAckWait(context.Context) (time.Duration, error) { return time.Second, nil }
func (l *lane) RestoreAckWait(context.Context) error                  { return nil }
func (l *lane) lose()                                                 { l.mu.Lock(); l.gone = true; l.mu.Unlock() }

// world is all that a Worker works with, as fakes. Its fields are set before it runs.
type world struct {
	lanes   map[purge.Lane]*lane
	zone    func(host string) (string, error)
	updated chan struct{} // what Updated gives
	create  func(p edgeone.Purge) (edgeone.Created, error)
	quota   func() (map[purge.Type]edgeone.Quota, error)
	limit   int // of a part of a job, in bytes
	metrics *metrics.Pipeline
	pace    Pace // nil: one call every 50 ms
	queues  Queues
	park    func(q record.Queue, p *record.Parked) error // stores a request in a queue

	mu        sync.Mutex
	away      bool // the broker is
	deaf      bool // the broker answers no ack
	slow      bool // the API does not answer
	exhausted bool // the day of zone-a is
	acked     []string
	naked     []string
	late      []string // naked, to come again later
	events    map[string]purge.Outcome
	letters   []record.DeadLetter
	noDead    bool   // dead letters cannot be stored
	sequence  uint64 // of the last part
	jobs      int
	calls     []edgeone.Purge
	marks     []byte // the one progress record that there is
	marked    record.Place
}

func newWorld() *world {
	return &world{
		lanes: map[purge.Lane]*lane{
			purge.Interactive: {deliveries: make(chan record.Delivery, 100)},
			purge.Bulk:        {deliveries: make(chan record.Delivery, 100)},
		},
		zone:    func(string) (string, error) { return "zone-a", nil },
		updated: make(chan struct{}),
		create:  accept,
		quota:   func() (map[purge.Type]edgeone.Quota, error) { return map[purge.Type]edgeone.Quota{}, nil },
		limit:   1 << 20,
		metrics: metrics.NewPipeline(prometheus.NewRegistry()),
		events:  make(map[string]purge.Outcome),
	}
}

func (w *world) worker() *Worker { return New(w.parts()) }

// parts are what a Worker of the world is made of.
func (w *world) parts() (Config, Deps) {
	lanes := make(map[purge.Lane]inbox.Consumer)
	for name, l := range w.lanes {
		lanes[name] = l
	}
	log := zap.NewNop()
	queues := w.queues
	if queues == nil {
		queues = w
	}
	pace := w.pace
	if pace == nil {
		pace = w
	}
	cfg := Config{
		Account: "main", Subjects: purge.Subjects{Prefix: "purge"}, BulkWindow: 10_000, InteractiveWindow: 1000, Drain: 5 * time.Second,
	}
	return cfg, Deps{
		Lanes: lanes, Acker: w, API: w, Pace: pace, Look: w, Aside: func(context.Context) error { return nil }, Lease: w, Zones: w,
		Queues: queues, Paused: w.pauses, Ledger: ledger.New(ledger.Config{Instance: "test"}, w.stores(), log), Tracker: w, Metrics: w.metrics, Log: log,
	}
}

// deliver gives a delivery of a lane or queue as the inbox does.
func deliver(t *testing.T, k *Worker, w *world, q *record.Queue, d record.Delivery) inbox.Delivery {
	t.Helper()
	from := w.lanes[purge.Bulk]
	p := k.table.inbox.Lane(purge.Bulk, from)
	if q != nil {
		p = k.table.inbox.Queue(*q, from, func() int { return 1 })
	}
	from.deliveries <- d
	lot, err := p.Pull(t.Context())
	if err != nil || len(lot) != 1 {
		t.Fatalf("got %d deliveries, %v", len(lot), err)
	}
	return lot[0]
}

// run runs a Worker; the function drains it and gives what Run returned.
func (w *world) run(t *testing.T, k *Worker) (stop func() error) {
	t.Helper()
	pull, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1) // capacity 1: Run ends whether or not the test looks
	go func() { ended <- k.Run(pull, context.WithoutCancel(t.Context())) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// give puts a request into a lane as the message with this sequence.
func (w *world) give(t *testing.T, name purge.Lane, sequence uint64, r purge.Request) {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	w.lanes[name].deliveries <- record.Delivery{
		Subject: "purge.requests." + string(name) + ".test", Data: data, Sequence: sequence, Stored: time.Now(), Count: 1,
		Reply: fmt.Sprintf("%s.%d", name, sequence),
	}
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// until waits for something to become true; in a bubble that costs no time.
func (w *world) until(ok func() bool) {
	for {
		done := false
		if w.set(func() { done = ok() }); done {
			return
		}
		wait.Sleep(context.Background(), time.Millisecond)
	}
}

func (w *world) down() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return errAway
	}
	return nil
}

// each gives one error for each of n writes, and does them if the broker is there.
func (w *world) each(n int, do func(i int)) []error {
	err := w.down()
	errs := make([]error, n)
	for i := range n {
		if errs[i] = err; err == nil {
			w.set(func() { do(i) })
		}
	}
	return errs
}

func (w *world) Ack(_ context.Context, replies []string) error {
	err := w.down()
	w.set(func() {
		if err == nil && w.deaf {
			err = errAway
		}
		if err == nil {
			w.acked = append(w.acked, replies...)
		}
	})
	return err
}

func (w *world) Nak(replies []string) error {
	w.set(func() { w.naked = append(w.naked, replies...) })
	return w.down()
}

func (w *world) NakLater(replies []string, _ time.Duration) error {
	w.set(func() { w.late = append(w.late, replies...) })
	return w.down()
}

func (w *world) InProgress([]string) error { return w.down() }

func (w *world) CreatePurge(ctx context.Context, p edgeone.Purge) (edgeone.Created, error) {
	slow := false
	w.set(func() { w.calls = append(w.calls, p) })
	if !wait.Sleep(ctx, 50*time.Millisecond) {
		return edgeone.Created{}, context.Cause(ctx)
	}
	if w.set(func() { slow = w.slow }); slow {
		<-ctx.Done()
		return edgeone.Created{}, context.Cause(ctx)
	}
	return w.create(p)
}

func (w *world) Quotas(context.Context, string) (map[purge.Type]edgeone.Quota, error) {
	return w.quota()
}

func (w *world) Wait(ctx context.Context) error {
	if !wait.Sleep(ctx, 50*time.Millisecond) {
		return context.Cause(ctx)
	}
	return nil
}

func (w *world) Throttled(time.Time)              {}
func (w *world) Hold(time.Duration)               {}
func (w *world) Valid() bool                      { return true }
func (w *world) Find(host string) (string, error) { return w.zone(host) }
func (w *world) Updated() <-chan struct{}         { return w.updated }
func (w *world) Failing() bool                    { return false }
func (w *world) Track(record.InFlight)            {}

func (w *world) Queues(context.Context) ([]record.Queue, error) { return nil, nil }

func (w *world) OpenQueue(context.Context, record.Queue) (inbox.Consumer, error) { return nil, errAway }

func (w *world) CloseQueue(context.Context, record.Queue) (bool, error) { return false, errAway }

func (w *world) pauses(context.Context) (map[purge.Lane]time.Time, error) { return nil, nil }

func page(n int) string { return fmt.Sprintf("https://www.example.com/page/%d", n) }

func pages(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = page(i)
	}
	return all
}

// accept answers each call with a job of its own.
func accept(edgeone.Purge) (edgeone.Created, error) { return edgeone.Created{JobID: rand.Text()}, nil }
