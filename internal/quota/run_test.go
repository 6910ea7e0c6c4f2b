package quota

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// api answers with what a test sets, after a second, and asks the Gate meanwhile: its lock must not
// be held.
type api struct {
	gate *Gate
	rows map[purge.Type]edgeone.Quota
	err  error

	mu    sync.Mutex
	calls []string
}

// asked returns the zones whose quotas were asked for.
func (a *api) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

func (a *api) Quotas(ctx context.Context, zone string) (map[purge.Type]edgeone.Quota, error) {
	a.mu.Lock()
	a.calls = append(a.calls, zone)
	a.mu.Unlock()
	a.gate.Until(urls, time.Now())
	if !wait.Sleep(ctx, time.Second) {
		return nil, context.Cause(ctx)
	}
	return a.rows, a.err
}

// running runs a Gate until the end of the test.
func running(t *testing.T, a *api) (*Gate, func()) {
	t.Helper()
	a.gate = New(Config{API: a, Pace: func(ctx context.Context) error { return ctx.Err() }, Log: zap.NewNop()})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); a.gate.Run(ctx) }()
	return a.gate, func() { cancel(); <-ended }
}

func TestRun_ReadsZonesInUseAndForgetsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{rows: rows(900)}
		g, stop := running(t, a)
		g.Want(urls, time.Now())
		if h := g.Until(urls, time.Now()); h.Why != Unread || time.Until(h.Until) != quotaWait {
			t.Errorf("got %+v, want a hold of %v for the first reading", h, quotaWait)
		}
		if changes := g.Changes(); !slices.Equal(changes, []Kind{urls}) {
			t.Errorf("got changes %v, want %v", changes, urls)
		}
		time.Sleep(1001 * time.Millisecond)
		if h := g.Until(urls, time.Now()); h != (Hold{}) {
			t.Errorf("got %+v once the quota is read, want no hold", h)
		}
		select {
		case <-g.Changed():
		default:
			t.Error("a reading is not signalled")
		}
		if changes := g.Changes(); !slices.Contains(changes, urls) {
			t.Errorf("got changes %v, want %v among them", changes, urls)
		}
		g.ReadAgain(urls.Zone)
		time.Sleep(2 * time.Second)
		if len(a.asked()) != 2 {
			t.Errorf("read %v, want the zone twice", a.asked())
		}
		g.Want(urls, time.Now())
		time.Sleep(quotaAge + 2*time.Second)
		g.Want(Kind{"zone-b", purge.Tag}, time.Now())
		time.Sleep(2 * quotaAge)
		if want := []string{"zone-a", "zone-a", "zone-a", "zone-b"}; !slices.Equal(a.asked(), want) {
			t.Errorf("read %v, want %v: one was not used any more", a.asked(), want)
		}
		if stop(); len(g.zones) > 0 {
			t.Errorf("%d zones are remembered, want none (I5)", len(g.zones))
		}
	})
}

func TestRun_FailedReadingMeansUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{err: errors.New("away")}
		g, stop := running(t, a)
		g.Want(urls, time.Now())
		time.Sleep(1001 * time.Millisecond)
		if h, n := g.Until(urls, time.Now()), g.Reserve(urls, 500, time.Now()); h != (Hold{}) || n != 500 {
			t.Errorf("got %+v, and %d of 500 granted, want all: nothing is known", h, n)
		}
		if got := g.Readings(); len(got) > 0 {
			t.Errorf("got readings %+v, want none", got)
		}
		time.Sleep(refusedAge + time.Second)
		if stop(); len(a.asked()) != 2 {
			t.Errorf("read %d times in a minute, want twice", len(a.asked()))
		}
	})
}

func TestRun_EndsWithinAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(api)
		g, stop := running(t, a)
		g.Want(urls, time.Now())
		synctest.Wait()
		begun := time.Now()
		if stop(); len(a.asked()) != 1 || time.Since(begun) > 0 {
			t.Errorf("%d readings, ended after %v, want the one under way cut short", len(a.asked()), time.Since(begun))
		}
		if h := g.Until(urls, time.Now().Add(quotaWait)); h.Why != Nothing {
			t.Errorf("got %+v, want no hold when the time for the reading is over", h)
		}
	})
}
