package client

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// Many is what [Client.PurgeManyAndWait] asks for.
type Many struct {
	// Requests are read once, in a goroutine of their own. Of those with the same id the first counts.
	Requests iter.Seq[purge.Request]
	// New says that none of the requests was ever asked for before: the ends that are stored are not looked up.
	New bool
	// Blind is called, if it is set, when the rights of this connection do not show stored ends, with the [ErrDenied] that
	// names the right. Requests that had ended before then never end here.
	Blind func(error)
}

// End is how one of many requests ended.
type End struct {
	purge.Outcome
	// Before says that it had ended before this call asked for it.
	Before bool
}

// PurgeManyAndWait asks for those of many requests that have not ended, as [Client.PurgeMany] does, and yields the end of
// each request once, in the order in which they end, until all have ended. It goes on over lost connections and restarts of
// servers. For each request that has not ended it keeps about 100 bytes.
//
// It needs the rights of [Client.Purge] and of [Client.Status], and those of [Client.Events] or else of [Client.Wait].
//
// An error that is a [*purge.Reason], [ErrTooLarge] or [ErrIDReused] is that of one request, which the end's Request names:
// the loop goes on behind it. Any other is the last.
func (c *Client) PurgeManyAndWait(ctx context.Context, many Many) iter.Seq2[End, error] {
	return func(yield func(End, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		a := awaited{
			c: c, many: many, seed: maphash.MakeSeed(), cancel: cancel, open: make(map[string]digests),
			ends: make(chan ended), listens: make(chan struct{}),
		}
		a.ready = sync.OnceFunc(func() { close(a.listens) })
		var tasks sync.WaitGroup
		defer tasks.Wait()
		defer cancel(nil)
		tasks.Go(func() { a.run(ctx, a.listen) })
		tasks.Go(func() { a.run(ctx, a.ask) })
		for {
			select {
			case e := <-a.ends:
				if !yield(e.End, e.err) {
					return
				}
			case <-c.closing:
				cancel(ErrClosed)
			case <-ctx.Done():
				if err := context.Cause(ctx); !errors.Is(err, errAll) {
					yield(End{}, fmt.Errorf("purge and wait: %w", err))
				}
				return
			}
		}
	}
}

// awaited is the work of one PurgeManyAndWait: one goroutine listens for events, one publishes and looks for those that
// were missed, and the caller's takes the ends.
type awaited struct {
	c       *Client
	many    Many
	seed    maphash.Seed
	cancel  context.CancelCauseFunc // with errAll when every request has ended
	ends    chan ended
	listens chan struct{} // closed by ready, when no event that comes can be missed any more
	ready   func()

	mu    sync.Mutex
	open  map[string]digests // by id
	left  int                // open, or on their way to the loop
	asked bool               // every request is published
}

// ended is an end on its way to the loop.
type ended struct {
	End
	err error
}

// digests tell whether an event is that of the request: hashes of the digests that it may have.
type digests [2]uint64

func (a *awaited) run(ctx context.Context, task func(context.Context) error) {
	if err := task(ctx); err != nil {
		a.cancel(err)
	}
}

// enlist adds an order to those that are open, and reports whether it was not among them.
func (a *awaited) enlist(o order, r purge.Request) bool {
	d := digests{maphash.String(a.seed, r.Digest()), maphash.String(a.seed, purge.RawDigest(o.msg.Data))}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.open[o.id]; ok {
		return false
	}
	a.open[o.id] = d
	a.left++
	return true
}

func (a *awaited) isOpen(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.open[id]
	return ok
}

// strike takes a request off those that are open, and reports whether it was among them.
func (a *awaited) strike(id string) (digests, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d, ok := a.open[id]
	delete(a.open, id)
	return d, ok
}

// settle hands the end of a request over, once. It is false when nobody takes it any more.
func (a *awaited) settle(ctx context.Context, got purge.Outcome, before bool) bool {
	d, ok := a.strike(got.Request)
	if !ok {
		return true
	}
	e := ended{End: End{Outcome: got, Before: before}}
	if h := maphash.String(a.seed, got.Digest); got.Digest != "" && h != d[0] && h != d[1] {
		e.err = fmt.Errorf("purge %s: %w: %s, with the digest %s", got.Request, ErrIDReused, got.Status, got.Digest)
	}
	return a.deliver(ctx, e, 1)
}

// refuse hands over the error of one request that is not stored.
func (a *awaited) refuse(ctx context.Context, id string, err error) bool {
	if _, ok := a.strike(id); !ok {
		return true
	}
	return a.deliver(ctx, a.refusal(id, err), 1)
}

func (a *awaited) refusal(id string, err error) ended {
	return ended{End{Outcome: a.c.unknown(id)}, fmt.Errorf("purge %s: %w", id, err)}
}

// deliver hands over the end of so many requests that were open.
func (a *awaited) deliver(ctx context.Context, e ended, open int) bool {
	select {
	case a.ends <- e:
	case <-ctx.Done():
		return false
	}
	a.finish(open, false)
	return true
}

// finish notes what has ended, and ends the call when every request was asked for and has ended.
func (a *awaited) finish(n int, asked bool) {
	a.mu.Lock()
	a.left -= n
	a.asked = a.asked || asked
	all := a.asked && a.left == 0
	a.mu.Unlock()
	if all {
		a.cancel(errAll)
	}
}

const (
	// lot is how many requests are looked up before those of them that have not ended are published.
	lot = 4096
	// firstSweep and lastSweep are between looks for events that should have come by themselves, sweepMost is how many
	// requests one look asks for, and sweepShare how much longer than such a look the pause to the next one is at least.
	firstSweep, lastSweep = 5 * time.Second, time.Minute
	sweepMost             = 8192
	sweepShare            = 20
)

// ask publishes the requests that have not ended, and then looks now and then for events that were missed: that a replica
// did not have yet at the first look, or that were lost on the way.
func (a *awaited) ask(ctx context.Context) error {
	if err := a.c.enter(); err != nil {
		return err
	}
	defer a.c.leave()
	select {
	case <-a.listens:
	case <-ctx.Done():
		return nil
	}
	look := !a.many.New
	next, stop := iter.Pull(a.many.Requests)
	defer stop()
	for {
		orders, more := a.take(ctx, next)
		if look {
			var err error
			if look, err = a.mayLook(a.lookUp(ctx, ids(orders), true)); err != nil {
				return err
			}
		}
		if err := a.publish(ctx, orders); err != nil || ctx.Err() != nil {
			return err
		}
		if !more {
			break
		}
	}
	a.finish(0, true)
	if !look && !a.many.New {
		return nil
	}
	return a.sweep(ctx)
}

// mayLook turns a refusal into the knowledge that ends can't be looked up.
func (a *awaited) mayLook(err error) (bool, error) {
	if !errors.Is(err, ErrDenied) {
		return true, err
	}
	if a.many.Blind != nil {
		a.many.Blind(err)
	}
	return false, nil
}

// take reads a lot of requests. Those that are not valid end here.
func (a *awaited) take(ctx context.Context, next func() (purge.Request, bool)) (orders []order, more bool) {
	for len(orders) < lot && ctx.Err() == nil {
		r, ok := next()
		if !ok {
			return orders, false
		}
		o, err := a.c.order(r)
		if err != nil {
			a.deliver(ctx, a.refusal(r.ID, err), 0)
			continue
		}
		r.ID = o.id
		if a.enlist(o, r) {
			orders = append(orders, o)
		}
	}
	return orders, true
}

func ids(orders []order) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, o := range orders {
			if !yield(o.id) {
				return
			}
		}
	}
}

// lookUp settles those of the requests that have ended.
func (a *awaited) lookUp(ctx context.Context, ids iter.Seq[string], before bool) error {
	var failed error
	a.c.ended(ctx, ids, func(id string, got purge.Outcome, err error) bool {
		if err == nil {
			return a.settle(ctx, got, before)
		}
		if !errors.Is(err, ErrNoEvent) {
			failed = fmt.Errorf("look up %s: %w", id, err)
		}
		return failed == nil
	})
	return failed
}

// publish publishes those of the orders that are still open.
func (a *awaited) publish(ctx context.Context, orders []order) error {
	parcels := func(yield func(parcel) bool) {
		for _, o := range orders {
			if a.isOpen(o.id) && !yield(parcel{order: o}) {
				return
			}
		}
	}
	var failed error
	a.c.putMany(ctx, parcels, func(id string, err error) bool {
		if err != nil && ofOne(err) {
			return a.refuse(ctx, id, err)
		}
		if err != nil {
			failed = fmt.Errorf("purge %s: %w", id, err)
		}
		return failed == nil
	})
	return failed
}

// sweep looks for missed events until the context ends.
func (a *awaited) sweep(ctx context.Context) error {
	for wait := firstSweep; pause(ctx, nil, wait) == nil; {
		start := time.Now()
		if more, err := a.mayLook(a.lookUp(ctx, slices.Values(a.some()), false)); !more || err != nil {
			return err
		}
		wait = max(min(2*wait, lastSweep), sweepShare*time.Since(start))
	}
	return nil
}

// some are ids that are open, by chance where there are many.
func (a *awaited) some() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]string, 0, min(len(a.open), sweepMost))
	for id := range maps.Keys(a.open) {
		if len(all) == cap(all) {
			break
		}
		all = append(all, id)
	}
	return all
}
