// Package submit asks for purges on behalf of a person: it publishes one request a target and, if
// asked, waits until each has ended.
//
// The ids are made of a name and the target, so that the same name again does only what is missing:
// what has ended is told, what is in flight is joined. It stands outside of the pipeline, and needs no
// more of the broker than any producer.
package submit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// MaxName is the length of a name: with "-" and 16 digits it makes an id.
const MaxName = 47

// Order is what to ask for.
type Order struct {
	Name    string // 1 to 47 of A-Za-z0-9_-, not beginning with _
	Source  string
	Lane    purge.Lane
	Zone    string
	Type    purge.Type
	Method  purge.Method
	Targets []string // as written; repeats are one request
}

// ID is the id of the request for a target. The API's name of a type and its short form make the
// same.
func (o *Order) ID(target string) string {
	h := sha256.New()
	for _, part := range []string{string(o.Type), o.Zone, string(o.Method), target} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return o.Name + "-" + hex.EncodeToString(h.Sum(nil))[:16]
}

// Requests gives the requests, each id once, in order.
func (o *Order) Requests() []broker.Outgoing {
	seen := make(map[string]bool, len(o.Targets))
	requests := make([]broker.Outgoing, 0, len(o.Targets))
	for _, t := range o.Targets {
		id := o.ID(t)
		if seen[id] {
			continue
		}
		seen[id] = true
		r := purge.Request{ID: id, Zone: o.Zone, Type: o.Type, Method: o.Method, Targets: []string{t}}
		if o.Type == purge.All {
			r.Targets = nil
		}
		requests = append(requests, broker.Outgoing{Lane: o.Lane, Source: o.Source, Request: r})
	}
	return requests
}

// Result is what became of an order that was waited for.
type Result struct {
	Requests  int
	Completed int
	Failed    int
	Before    int // of those, the ends that were stored before anything was published
	Jobs      map[string]bool
	Seconds   float64
}

// Broker is what an order needs.
type Broker interface {
	PutRequests(ctx context.Context, requests []broker.Outgoing) []error
	EventsOf(ctx context.Context, keys []record.Key) (map[record.Key]purge.Outcome, error)
	Events(ctx context.Context, source string, what broker.Reading, ready func(), each func(broker.Event) bool) error
}

// lot is how many requests are published between two looks at the context.
const lot = 4000

// Publish publishes the requests. It returns how many the broker has, and the first error.
func Publish(ctx context.Context, b Broker, requests []broker.Outgoing) (int, error) {
	stored := 0
	for len(requests) > 0 {
		if ctx.Err() != nil {
			return stored, context.Cause(ctx)
		}
		n := min(lot, len(requests))
		var failed error
		for _, err := range b.PutRequests(ctx, requests[:n]) {
			if err == nil {
				stored++
			} else if failed == nil {
				failed = err
			}
		}
		if failed != nil {
			return stored, failed
		}
		requests = requests[n:]
	}
	return stored, nil
}

// Wait publishes what has not ended yet (at least one request of one source) and waits until everything has. each is called for every end,
// those that were stored before included; it must not block. When the context ends first, the result
// tells how far it got, and the error is the context's cause.
func Wait(ctx context.Context, b Broker, requests []broker.Outgoing, each func(purge.Outcome)) (Result, error) {
	w := waiter{
		res:  Result{Requests: len(requests), Jobs: make(map[string]bool)},
		open: make(map[record.Key]bool, len(requests)), each: each, all: make(chan struct{}),
	}
	for _, r := range requests {
		w.open[record.Key{Source: r.Source, ID: r.Request.ID}] = true
	}
	start := time.Now()
	err := w.run(ctx, b, requests)
	w.res.Seconds = float64(time.Since(start).Milliseconds()) / 1000
	return w.res, err
}
