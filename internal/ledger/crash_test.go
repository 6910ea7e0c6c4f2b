package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// message is a request with what will become of its targets.
type message struct {
	record.Request

	jobs     []string         // by target index: the job that it goes into; empty: none
	invalid  []record.Failure // refused by the worker, known before any job
	refused  []record.Failure // refused by EdgeOne, known after all jobs
	rejected bool             // as a whole
}

// world is what outlives a process: the store, and the messages that were not acked.
type world struct {
	store    durable
	early    bool   // jobs are final before the worker notes what EdgeOne refused
	name     string // and the source of its requests
	lives    int
	messages map[string]message
	touched  map[string]bool // delivered before
}

func newWorld(s durable, name string, early bool) *world {
	w := &world{store: s, early: early, name: name, messages: make(map[string]message), touched: make(map[string]bool)}
	add := func(id string, m message) {
		m.Request = request(id, len(m.jobs))
		m.Source = name
		w.messages[m.ID] = m
	}
	failed := func(index int, code, target string) []record.Failure {
		return []record.Failure{{Index: index, Target: target, Code: code, Reason: "not good"}}
	}
	add("one-job", message{jobs: []string{"a", "a", "a"}})
	add("two-jobs", message{jobs: []string{"a", "a", "b", "b", ""}, refused: failed(4, "InvalidParameter.Target", "t4")})
	add("two-parts", message{jobs: slices.Repeat([]string{"a"}, 60)})
	add("an-invalid-one", message{jobs: []string{"b", ""}, invalid: failed(1, purge.CodeInvalidTarget, "t1")})
	add("a-long-invalid-one", message{jobs: []string{"b", ""}, invalid: failed(1, purge.CodeInvalidTarget, strings.Repeat("t", 500))})
	add("refused", message{jobs: []string{"a", ""}, refused: failed(1, "InvalidParameter.Target", "t1")})
	add("rejected", message{jobs: []string{""}, rejected: true})
	return w
}

// live is one process, from its take-over to the end of its work, or until the context ends. It
// does what worker and tracker do with the ledger.
func (w *world) live(ctx context.Context, store durable) error {
	w.lives++
	l := newLedger(store)
	jobs, err := l.Load(ctx)
	for err != nil {
		if ctx.Err() != nil {
			return err
		}
		jobs, err = l.Load(ctx)
	}
	left, err := w.admit(ctx, l)
	if err != nil {
		return err
	}
	made, spans, err := w.record(ctx, l, left)
	if err != nil {
		return err
	}
	jobs = append(jobs, made...)
	steps := []func() error{
		func() error { return w.settle(ctx, l, spans) },
		func() error { return w.end(ctx, l, jobs) },
	}
	if w.early {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if n := l.Indexed(); n != 0 {
		return fmt.Errorf("%d requests are left in the index", n)
	}
	return nil
}

// admit acks what is known, and gives the targets that are left to do of the others.
func (w *world) admit(ctx context.Context, l *ledger.Ledger) (map[string][]bool, error) {
	var queries []ledger.Query
	for id, m := range w.messages {
		queries = append(queries, ledger.Query{Key: m.Key(), Total: m.Total, Redelivered: w.touched[id]})
		w.touched[id] = true
	}
	found, err := l.Find(ctx, queries)
	if err != nil {
		return nil, err
	}
	left := make(map[string][]bool)
	for id, m := range w.messages {
		f, known := found[m.Key()]
		switch {
		case known && f.Digest != m.Digest:
			return nil, fmt.Errorf("%s is found with digest %q", id, f.Digest)
		case known && f.AllRecorded():
			delete(w.messages, id)
		default:
			left[id] = f.Recorded
		}
	}
	return left, nil
}

// record makes a job of all targets that go into it, and tells which requests span.
func (w *world) record(ctx context.Context, l *ledger.Ledger, left map[string][]bool) ([]record.InFlight, map[string]bool, error) {
	var jobs []record.InFlight
	spans := make(map[string]bool)
	for id, held := range left {
		spans[id] = slices.Contains(held, true) || len(w.messages[id].refused) > 0
	}
	for _, name := range []string{"a", "b"} {
		job := jobOf(fmt.Sprintf("%s-%s-%d", w.name, name, w.lives))
		for _, id := range slices.Sorted(maps.Keys(left)) {
			m, held := w.messages[id], left[id]
			var indexes []int
			for i, in := range m.jobs {
				if in == name && (held == nil || !held[i]) {
					indexes = append(indexes, i)
				}
			}
			if len(indexes) == 0 {
				continue
			}
			s := put(job, m.Request, spans[id], indexes...)
			if !s.MultiJob {
				s.EarlierFailures = m.invalid
			}
		}
		if len(job.Shares) == 0 {
			continue
		}
		stored, err := l.Record(ctx, job)
		if err != nil {
			return nil, nil, err
		}
		jobs = append(jobs, stored)
		for _, s := range job.Shares {
			if strings.HasPrefix(s.ID, "two-parts") && left[s.ID] == nil && !s.MultiJob {
				return nil, nil, errors.New("the large request fits into one part")
			}
			spans[s.ID] = spans[s.ID] || s.MultiJob
		}
	}
	return jobs, spans, nil
}

// settle does what is left of requests, and acks.
func (w *world) settle(ctx context.Context, l *ledger.Ledger, spans map[string]bool) error {
	for _, id := range slices.Sorted(maps.Keys(spans)) {
		m := w.messages[id]
		if m.rejected {
			letter := record.DeadLetter{Key: m.Key(), Code: purge.CodePolicy, Subject: "purge.requests.bulk.ghost", Sequence: uint64(w.lives)}
			if err := l.StoreDeadLetters(ctx, []record.DeadLetter{letter}); err != nil {
				return err
			}
			end := record.Tally{Request: m.Request, Reason: &purge.Reason{Code: purge.CodePolicy, Message: "no"}}
			if err := l.Publish(ctx, []record.Tally{end}); err != nil {
				return err
			}
		}
		if all := append(slices.Clone(m.invalid), m.refused...); spans[id] && len(all) > 0 {
			if err := l.RecordFailures(ctx, m.Request, all, len(m.refused) > 0); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		delete(w.messages, id)
	}
	return nil
}

func (w *world) end(ctx context.Context, l *ledger.Ledger, jobs []record.InFlight) error {
	var all []record.Request
	for _, m := range newWorld(w.store, w.name, false).messages {
		all = append(all, m.Request)
	}
	for _, job := range jobs {
		if err := l.End(ctx, job, outcome(all...)); err != nil {
			return err
		}
	}
	return nil
}

// check looks at what is left in the end: one event for each request, with what became of its
// targets.
func (w *world) check(t *testing.T) {
	t.Helper()
	if len(w.messages) != 0 {
		t.Errorf("messages %v are left", slices.Sorted(maps.Keys(w.messages)))
	}
	if left := parts(t, w.store); len(left) != 0 {
		t.Errorf("parts %v are left", left)
	}
	messages := newWorld(w.store, w.name, false).messages
	var all []record.Request
	for _, m := range messages {
		all = append(all, m.Request)
	}
	found := find(t, newLedger(w.store), true, all...)
	var got map[record.Key]purge.Event
	switch s := w.store.(type) {
	case *stored:
		got = events(t, s, w.name)
	case *memory:
		got = s.events.published(t, w.name)
	}
	for id, m := range messages {
		e, ok := got[m.Key()]
		if !ok {
			t.Errorf("%s has no event", id)
			continue
		}
		want := make([]string, 0, len(m.jobs))
		for i, job := range m.jobs {
			if job != "" && i%3 == 2 {
				want = append(want, badCode+" "+target(m.Request, i, true))
			}
		}
		for _, f := range append(slices.Clone(m.invalid), m.refused...) {
			want = append(want, f.Code+" "+f.Target)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, failures(e.Data), emptyIsNil); diff != "" {
			t.Errorf("failures of %s (-want +got):\n%s", id, diff)
		}
		counts := purge.Counts{Total: m.Total, Succeeded: m.Total - len(want), Failed: len(want)}
		if m.rejected {
			counts = purge.Counts{Total: 1, Failed: 1}
		}
		if e.Data.Targets != counts {
			t.Errorf("%s has %+v, want %+v", id, e.Data.Targets, counts)
		}
		if p := progress(t, w.store, m.Request); p != nil && !p.Closed {
			t.Errorf("progress of %s is not closed", id)
		}
		if f := found[m.Key()]; !f.Ended || f.Digest != m.Digest {
			t.Errorf("%s is found as %+v, want it ended", id, f)
		}
	}
}

var emptyIsNil = cmp.Transformer("emptyIsNil", func(all []string) []string {
	if len(all) == 0 {
		return nil
	}
	return all
})

// at makes a plan of one fault, at the k-th call that it can befall, and tells through hit where it
// was.
func at(k int, kind fault, hit func(method string)) func(int, string) fault {
	calls := 0
	return func(_ int, method string) fault {
		if kind == half && method != "Events.Publish" && method != "Jobs.Put" {
			return none
		}
		if calls++; calls != k {
			return none
		}
		hit(method)
		return kind
	}
}

// crashing is a process that is killed at the k-th call of the store, which is done or not. It
// tells which that was; empty if the process came to its end before.
func (w *world) crashing(t *testing.T, k int, kind fault) (method string) {
	t.Helper()
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	plan := at(k, kind, func(m string) { method = m })
	f := &faulty{under: w.store, limit: 3000, plan: func(call int, m string) fault {
		if method != "" {
			return before
		}
		fate := plan(call, m)
		if fate != none {
			defer die(errors.New("killed"))
		}
		return fate
	}}
	if err := w.live(ctx, f); err != nil && method == "" {
		t.Fatalf("life %d: %v", w.lives, err)
	}
	return method
}

// finish is a last process, to which nothing happens.
func (w *world) finish(t *testing.T, story ...string) {
	t.Helper()
	if err := w.live(t.Context(), &faulty{under: w.store, limit: 3000}); err != nil {
		t.Fatalf("after %q: %v", story, err)
	}
	if w.check(t); t.Failed() {
		t.Fatalf("after %q", story)
	}
}

func TestLedger_SurvivesACrashAtAnyCall(t *testing.T) {
	least := map[fault]int{before: 30, after: 30, half: 5} // calls to crash at
	for _, early := range []bool{false, true} {
		for kind, name := range faultNames {
			t.Run(fmt.Sprintf("%s, jobs final early %v", name, early), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for k := 1; ; k++ {
						w := newWorld(newMemory(), "w", early)
						method := w.crashing(t, k, kind)
						w.finish(t, fmt.Sprintf("a crash at call %d, %s", k, method))
						if method != "" {
							continue
						}
						if k <= least[kind] {
							t.Errorf("a life made %d calls, want %d or more to crash at", k-1, least[kind])
						}
						return
					}
				})
			})
		}
	}
}

// crashes kills some processes at random.
func (w *world) crashes(t *testing.T, random *rand.Rand) (story []string) {
	t.Helper()
	for range 8 {
		kind := before + fault(random.IntN(2))
		method := w.crashing(t, 1+random.IntN(40), kind)
		if method == "" {
			break
		}
		story = append(story, "a crash at "+method+", "+faultNames[kind])
	}
	return story
}

func TestLedger_SurvivesManyCrashes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	t.Run("in memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for i := range 60 {
				w := newWorld(newMemory(), "m", i%2 == 0)
				w.finish(t, w.crashes(t, random)...)
			}
		})
	})
	t.Run("on the broker", func(t *testing.T) {
		b := newBroker(t)
		for i := range 8 {
			w := newWorld(b, fmt.Sprintf("b%d", i), i%2 == 0)
			w.finish(t, w.crashes(t, random)...)
		}
	})
}

func TestLedger_SurvivesAFaultAtAnyCall(t *testing.T) {
	for kind, name := range faultNames {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for k, method := 1, "first"; method != ""; k++ {
					method = ""
					w := newWorld(newMemory(), "f", k%2 == 0)
					f := &faulty{under: w.store, plan: at(k, kind, func(m string) { method = m })}
					if err := w.live(t.Context(), f); err != nil {
						t.Fatalf("with a fault at call %d, %s: %v", k, method, err)
					}
					if w.check(t); t.Failed() {
						t.Fatalf("with a fault at call %d, %s", k, method)
					}
				}
			})
		})
	}
}

func TestLedger_SurvivesABadNetwork(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	hit := make(map[string]bool)
	synctest.Test(t, func(t *testing.T) {
		for i := range 20 {
			w := newWorld(newMemory(), "n", i%2 == 0)
			if i%3 == 0 { // it reads what another has left
				w.crashing(t, 1+random.IntN(40), after)
			}
			f := &faulty{under: w.store, plan: func(_ int, method string) fault {
				kind := max(none, fault(random.IntN(7)-3)) // each of the three in one of seven calls
				hit[method] = hit[method] || kind != none
				return kind
			}}
			if err := w.live(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			w.check(t)
		}
	})
	for _, method := range []string{
		"Events.Publish", "Events.Find", "Dead.Put", "Jobs.Put", "Jobs.All", "Jobs.Get", "Jobs.Delete", "Progress.Get", "Progress.Put",
	} {
		if !hit[method] {
			t.Errorf("%s never failed", method)
		}
	}
}
