package parking_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/parking"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

var (
	errFull   = errors.New("maximum consumers limit reached")
	errGone   = fmt.Errorf("pull: %w", record.ErrGone)
	errNoKeep = errors.New("record of a newer version")

	zoneA = record.Queue{Account: "main", Zone: "zone-a", Type: purge.URL, Lane: purge.Bulk}
	zoneB = record.Queue{Account: "main", Zone: "zone-b", Type: purge.URL, Lane: purge.Interactive}
)

// broker is a strict fake of what stores and opens queues, and of the owner: it fails the test
// where a queue is used in a way that would lose a request.
type broker struct {
	t *testing.T
	p *parking.Parking[*source, id]

	mu       sync.Mutex
	open     map[record.Queue]*source
	stored   map[record.Queue][]id
	ever     []id // what was stored, whether or not it is now
	parked   []id
	unfit    []id
	released []id
	failures []id // whose failures are stored
	opens    map[record.Queue]int
	pulls    map[record.Queue]int

	refuse  func(q record.Queue) error // to open
	hang    func(q record.Queue) bool  // opening and storing: no answer
	storing func(r id) error
	twice   bool    // what storing refuses is stored all the same
	resend  []error // what the next pulls end with
	lose    bool    // the answer to a close
}

// source is what a queue is pulled from.
type source struct{ close chan struct{} } // capacity 0: the test has the queue closed

// id is a request. Those that begin with "part" have outcomes that stand in no job; "unreadable"
// has too. Those that begin with "queued" were delivered by a queue.
type id string

func (r id) Queued() bool { return strings.HasPrefix(string(r), "queued") }

func (r id) partial() bool { return r == "unreadable" || strings.HasPrefix(string(r), "part") }

func (r id) Parked() record.Parked {
	return record.Parked{Request: record.Request{ID: string(r)}, Partial: r.partial()}
}

func (r id) Failures() (failures []record.Failure, submitted bool) {
	if r.partial() {
		failures = []record.Failure{{Index: 1}}
	}
	return failures, r.partial()
}

func newBroker(t *testing.T, log *zap.Logger) *broker {
	b := &broker{
		t: t, open: make(map[record.Queue]*source), stored: make(map[record.Queue][]id),
		opens: make(map[record.Queue]int), pulls: make(map[record.Queue]int),
	}
	b.p = parking.New(parking.Config[*source, id]{Broker: b, Ledger: b, Owner: b, Log: log})
	return b
}

// run serves the queues until the function that it returns, which gives what Run returned.
func (b *broker) run() (stop func() error) {
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1) // capacity 1: Run ends whether or not the test looks
	go func() { ended <- b.p.Run(ctx, context.WithoutCancel(ctx)) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func (b *broker) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *broker) answers(ctx context.Context, q record.Queue) error {
	var hang bool
	if b.set(func() { hang = b.hang != nil && b.hang(q) }); hang {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return ctx.Err()
}

func (b *broker) OpenQueue(ctx context.Context, q record.Queue) (*source, error) {
	b.set(func() { b.opens[q]++ })
	if err := b.answers(ctx, q); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		if err := b.refuse(q); err != nil {
			return nil, err
		}
	}
	if b.open[q] == nil {
		b.open[q] = &source{close: make(chan struct{})}
	}
	return b.open[q], nil
}

func (b *broker) CloseQueue(ctx context.Context, q record.Queue) (bool, error) {
	if err := b.answers(ctx, q); err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.stored[q]) > 0 {
		return false, nil
	}
	delete(b.open, q)
	if b.lose {
		return false, errFull
	}
	return true, nil
}

func (b *broker) Park(ctx context.Context, q record.Queue, requests []record.Parked) []error {
	errs := make([]error, len(requests))
	for i := range requests {
		id := id(requests[i].Request.ID)
		if errs[i] = b.answers(ctx, q); errs[i] != nil {
			continue
		}
		b.set(func() {
			if b.open[q] == nil {
				b.t.Errorf("%s is stored in %s, which nobody pulls", id, q.Zone)
			}
			if b.storing != nil {
				errs[i] = b.storing(id)
			}
			if (errs[i] == nil || b.twice) && !slices.Contains(b.stored[q], id) {
				b.stored[q] = append(b.stored[q], id)
				b.ever = append(b.ever, id)
			}
		})
	}
	return errs
}

// RecordFailures is called before the request with these failures is stored.
func (b *broker) RecordFailures(_ context.Context, r record.Request, failures []record.Failure, _ bool) error {
	if r.ID == "unreadable" {
		return errNoKeep
	}
	b.set(func() {
		if len(failures) == 0 || slices.Contains(b.ever, id(r.ID)) {
			b.t.Errorf("%d failures of %s are stored, want some and before it is parked", len(failures), r.ID)
		}
		b.failures = append(b.failures, id(r.ID))
	})
	return nil
}

func (b *broker) Parked(_ context.Context, ids []id) {
	b.set(func() {
		for _, id := range ids {
			if !slices.Contains(b.ever, id) {
				b.t.Errorf("%s counts as parked and is not stored (I2)", id)
			}
		}
		b.parked = append(b.parked, ids...)
	})
}

func (b *broker) Unfit(ids []id) {
	b.set(func() { b.unfit = append(b.unfit, ids...) })
}

func (b *broker) Released(ids []id) {
	b.set(func() { b.released = append(b.released, ids...) })
}

func (b *broker) Pull(ctx context.Context, q record.Queue, from *source) error {
	var fail error
	b.set(func() {
		if b.pulls[q] > 0 {
			b.t.Errorf("queue %s is pulled twice at a time", q.Zone)
		}
		if len(b.resend) > 0 {
			fail, b.resend = b.resend[0], b.resend[1:]
		}
		b.pulls[q]++
	})
	defer b.set(func() { b.pulls[q]-- })
	if fail != nil {
		return fail
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-from.close:
			if b.p.Close(ctx, q) {
				return nil
			}
		}
	}
}

// take empties a queue and has it closed.
func (b *broker) take(q record.Queue) {
	var from *source
	b.set(func() { from = b.open[q]; b.stored[q] = nil })
	from.close <- struct{}{}
	synctest.Wait()
}

func (b *broker) want(what string, got *[]id, want ...id) {
	b.t.Helper()
	b.set(func() {
		if !slices.Equal(*got, want) {
			b.t.Errorf("%s: got %v, want %v", what, *got, want)
		}
	})
}

func TestParking_StoresInOrderAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		stop := b.run()
		for _, r := range []id{"1", "2", "3"} {
			if back := b.p.Put(zoneA, r, "queued", r+"b"); !slices.Equal(back, []id{"queued"}) {
				t.Errorf("got %v back with %s, want only what a queue delivered", back, r)
			}
		}
		synctest.Wait()
		b.want("parked", &b.parked, "1", "1b", "2", "2b", "3", "3b")
		if b.opens[zoneA] != 1 || b.pulls[zoneA] != 1 || b.p.Len() != 1 {
			t.Errorf("opened %d times, pulled %d times, %d queues, want 1 of each", b.opens[zoneA], b.pulls[zoneA], b.p.Len())
		}
		b.take(zoneA)
		if b.p.Len() != 0 || b.pulls[zoneA] != 0 || len(b.open) != 0 {
			t.Errorf("%d queues, %d pulls after the queue was closed, want none", b.p.Len(), b.pulls[zoneA])
		}
		b.p.Put(zoneA, "4")
		synctest.Wait()
		b.want("parked in a queue that is opened anew", &b.parked, "1", "1b", "2", "2b", "3", "3b", "4")
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A queue without an answer holds neither who puts nor another queue, and takes nothing while it
// fails.
func TestParking_NoQueueHoldsAnother(t *testing.T) {
	for name, fail := range map[string]func(*broker){
		"refused": func(b *broker) {
			b.refuse = func(q record.Queue) error { return map[string]error{"zone-a": errFull}[q.Zone] }
		},
		"no answer": func(b *broker) { b.hang = func(q record.Queue) bool { return q == zoneA } },
		"not stored": func(b *broker) {
			b.storing = func(id id) error { return map[byte]error{'a': errFull}[id[0]] }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t, zap.NewNop())
				fail(b)
				stop := b.run()
				begin := time.Now()
				b.p.Put(zoneA, "a1", "a2")
				b.p.Put(zoneB, "b1")
				synctest.Wait()
				b.want("parked of the other queue at once", &b.parked, "b1")
				if took := time.Since(begin); took != 0 {
					t.Errorf("took %v", took)
				}
				time.Sleep(3 * time.Second)
				b.p.Put(zoneA, "a3") // the one by which it is tried
				for i := range 1000 {
					if time.Sleep(time.Second); len(b.p.Put(zoneA, id(fmt.Sprint("a", 4+i)))) > 0 {
						continue
					}
				}
				time.Sleep(5 * time.Second)
				b.set(func() {
					if got := len(b.released); got < 3 || got > 40 || b.opens[zoneA] > 40 {
						t.Errorf("%d of 1003 were taken and released, opened %d times, want a few", got, b.opens[zoneA])
					}
					if slices.ContainsFunc(b.parked, func(id id) bool { return id[0] == 'a' }) {
						t.Errorf("parked %v", b.parked)
					}
				})
				if why := b.p.Trouble(); !strings.Contains(why, "zone-a") || strings.Contains(why, "zone-b") {
					t.Errorf("trouble: %q, want zone-a's", why)
				}
				b.set(func() { b.refuse, b.hang, b.storing, b.released = nil, nil, nil, nil })
				time.Sleep(time.Minute)
				if len(b.p.Put(zoneA, "again")) > 0 {
					t.Error("nothing is taken a minute after the last attempt")
				}
				time.Sleep(time.Second)
				b.want("parked", &b.parked, "b1", "again")
				b.want("released", &b.released)
				if why := b.p.Trouble(); why != "" {
					t.Errorf("trouble when all is well: %q", why)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestParking_LogsAtAGrowingPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.WarnLevel)
		b := newBroker(t, zap.New(core))
		b.refuse = func(record.Queue) error { return errFull }
		stop := b.run()
		for i := range 6 * 3600 {
			b.p.Put(record.Queue{Zone: fmt.Sprint("zone-", i%50), Type: purge.URL}, id(strconv.Itoa(i)))
			time.Sleep(time.Second)
		}
		if n := logs.Len(); n < 5 || n > 50 {
			t.Errorf("%d lines in six hours, want one at once and then fewer and fewer", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A queue that is forgotten while it fails is not kept in memory.
func TestParking_ForgetsWhatNobodyPuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		b.refuse = func(record.Queue) error { return errFull }
		stop := b.run()
		for i := range 1000 {
			b.p.Put(record.Queue{Zone: fmt.Sprint("zone-", i)}, "r")
		}
		time.Sleep(10 * time.Minute)
		if n := b.p.Len(); n != 0 || b.p.Trouble() != "" {
			t.Errorf("%d queues are kept, trouble %q, want none (I5)", n, b.p.Trouble())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// What an attempt stored is parked, what it did not is released, and what can't be is given back
// for good.
func TestParking_TellsApartWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		b.storing = func(r id) error {
			return map[id]error{"bad": errFull, "large": fmt.Errorf("park: %w", record.ErrUnfit)}[r]
		}
		stop := b.run()
		b.p.Put(zoneA, "1", "bad", "2", "large", "unreadable", "part of 3")
		time.Sleep(time.Second)
		b.want("parked", &b.parked, "1", "2", "part of 3")
		b.want("failures stored before", &b.failures, "part of 3")
		b.want("unfit", &b.unfit, "large")
		b.want("released", &b.released, "bad", "unreadable")
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A write that fails once is made again at once, in its place.
func TestParking_TriesAgainAtOnce(t *testing.T) {
	for _, twice := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t, zap.NewNop())
			b.twice = twice
			failed := make(map[id]bool)
			b.storing = func(id id) error {
				if failed[id] || len(failed) > 2 {
					return nil
				}
				failed[id] = true
				return errFull
			}
			stop := b.run()
			b.p.Put(zoneA, "1", "2", "3", "4")
			time.Sleep(time.Second)
			b.set(func() { slices.Sort(b.parked) })
			b.want("parked", &b.parked, "1", "2", "3", "4")
			b.want("released", &b.released)
			if b.p.Trouble() != "" {
				t.Errorf("trouble: %s", b.p.Trouble())
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A queue that a leader before left is opened, however long that takes, though nobody puts.
func TestParking_OpensWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		b.refuse = func(record.Queue) error { return errFull }
		stop := b.run()
		b.p.Open(zoneA)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := b.opens[zoneA]; n < 60 || n > 80 {
			t.Errorf("%d attempts in an hour, want about one a minute", n)
		}
		b.set(func() { b.refuse = nil })
		time.Sleep(time.Minute)
		b.p.Open(zoneA)
		synctest.Wait()
		if b.pulls[zoneA] != 1 || b.p.Trouble() != "" {
			t.Errorf("%d pulls, trouble %q, want it pulled", b.pulls[zoneA], b.p.Trouble())
		}
		b.set(func() { b.stored[zoneA] = []id{"old"} })
		from := b.open[zoneA]
		from.close <- struct{}{}
		synctest.Wait()
		if b.pulls[zoneA] != 1 {
			t.Error("a queue that is not empty was closed")
		}
		b.take(zoneA)
		if b.p.Len() != 0 {
			t.Error("an empty queue was not closed")
		}
		if b.p.Close(t.Context(), zoneA) {
			t.Error("a queue that is not there was closed")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A drain waits for what is stored just then, and no longer.
func TestParking_DrainsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		stop := b.run()
		b.p.Put(zoneB, "b")
		synctest.Wait()
		b.set(func() { b.hang = func(record.Queue) bool { return true } })
		b.p.Put(zoneA, "a")
		b.p.Put(zoneB, "b2")
		synctest.Wait()
		begin := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("the drain took %v", took)
		}
		b.p.Put(zoneA, "late")
		b.want("parked", &b.parked, "b")
		b.want("released: the rest is its owner's", &b.released)
	})
}

func TestParking_EndsWithAnErrorOfAPull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		b.p.Put(zoneA, "a")
		b.resend = []error{errFull, errFull, errGone}
		ended := make(chan error, 1)
		go func() { ended <- b.p.Run(t.Context(), t.Context()) }()
		if err := <-ended; !errors.Is(err, record.ErrGone) || len(b.resend) > 0 {
			t.Errorf("got %v with %d errors left, want %v after the others have passed", err, len(b.resend), errGone)
		}
	})
}

// Puts and closes at once: nothing is stored where nobody pulls, and nothing is forgotten.
func TestParking_LosesNothingBetweenPutAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		stop := b.run()
		const rounds = 300
		var g sync.WaitGroup
		g.Go(func() {
			for i := range rounds {
				b.p.Put(zoneA, id(strconv.Itoa(i)))
				time.Sleep(time.Duration(i%3) * time.Millisecond)
			}
		})
		g.Go(func() {
			for range rounds {
				time.Sleep(time.Millisecond)
				var from *source
				b.set(func() { from = b.open[zoneA]; b.stored[zoneA] = nil })
				if from == nil {
					continue
				}
				select {
				case from.close <- struct{}{}:
				case <-time.After(time.Millisecond):
				}
			}
		})
		g.Wait()
		time.Sleep(time.Second)
		if len(b.parked) != rounds {
			t.Errorf("%d were parked, want %d", len(b.parked), rounds)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// An attempt whose answer is lost may have made the queue. It is opened again and closed, though
// nobody puts any more.
func TestParking_ClosesWhatItMayHaveMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		b.refuse = func(q record.Queue) error {
			b.open[q] = &source{close: make(chan struct{})} // it is made all the same
			return errFull
		}
		stop := b.run()
		b.p.Put(zoneA, "a")
		time.Sleep(5 * time.Second)
		b.want("released", &b.released, "a")
		b.set(func() { b.refuse = nil })
		time.Sleep(time.Minute)
		b.take(zoneA)
		b.set(func() {
			if b.p.Len() != 0 || len(b.open) != 0 {
				t.Errorf("%d queues are known, %d are there, want none", b.p.Len(), len(b.open))
			}
		})
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// An attempt to close a queue whose answer is lost may have removed it: it is made again before
// anything is stored.
func TestParking_StoresInNoQueueThatMayBeGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, zap.NewNop())
		stop := b.run()
		b.p.Put(zoneA, "a")
		synctest.Wait()
		b.lose = true
		b.take(zoneA) // it is removed, and nobody learns of it
		b.lose = false
		b.p.Put(zoneA, "b")
		synctest.Wait()
		b.want("parked", &b.parked, "a", "b")
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
