package emulator

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// patience is how long a call that gets no answer is held before its connection is closed.
	patience = 60 * time.Second
	// slowness is how late a slow answer comes.
	slowness = 5 * time.Second
	// usualRate is the API's published limit, which an injected refusal names where the emulator has none.
	usualRate = 20
)

// Emulator is the API as an http.Handler: every path but /stats and /purged takes calls. It is safe for concurrent use, starts
// no goroutine and needs no closing; a server that shuts down lets it go by ending the contexts of its requests.
type Emulator struct {
	cfg      Config
	unknown  unknowns
	versions map[string]version
	zones    zones
	windows  windows
	quota    *quota
	faults   *faults
	stats    *counters
	log      *zap.Logger

	purges, prefetches *store

	bodies sync.Pool // of *bytes.Buffer
}

// New returns an emulator without calls and jobs. The error is that of Config.Validate.
func New(c Config) (*Emulator, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("configure emulator: %w", err)
	}
	c = c.withDefaults()
	all := versions()
	return &Emulator{
		cfg:        c,
		unknown:    newUnknowns(c.Unknown),
		versions:   all,
		zones:      newZones(c.Zones),
		windows:    newWindows(c.Rate, c.Window == WindowSliding, actionNames(all)),
		quota:      newQuota(c),
		faults:     newFaults(c.Faults, c.Seed),
		stats:      newCounters(),
		log:        c.Log.Named("emulator"),
		purges:     newStore(c),
		prefetches: newStore(c),
		bodies:     sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}, nil
}

// NextDay ends the quota's day at once, for tests that cannot know how long a day must be.
func (e *Emulator) NextDay() { e.quota.turn() }

// ServeHTTP takes a call, or returns the stats at GET /stats, or what a URL was purged by at GET /purged?url=URL.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case statsPath:
		e.serveStats(w, r)
		return
	case purgedPath:
		e.servePurged(w, r)
		return
	}
	c := newCall(r)
	refused := e.arrive(c)

	buffer, ok := e.bodies.Get().(*bytes.Buffer)
	if !ok {
		return
	}
	buffer.Reset()
	defer e.bodies.Put(buffer)
	// The body is read even where the call is refused: else its sender may never read the answer.
	switch err := readBody(r, buffer); {
	case errors.Is(err, errTooLarge) && refused == nil:
		refused = refuse(codeRequestSizeLimit, "The request body exceeds 10 MB.")
	case err != nil && !errors.Is(err, errTooLarge):
		return
	}
	c.body = buffer.Bytes()

	p := e.reply(c, refused)
	if !wait(r.Context(), e.cfg.Latency+p.after) {
		p = reply{hangUp: true}
	}
	p.send(w)
}

// arrive judges whether a call comes too fast. It is the first thing done, at the time of arrival.
func (e *Emulator) arrive(c *call) *refusal {
	name := c.action
	if !e.known(name) {
		name = otherAction
	}
	e.stats.arrive(name)
	n, ok := e.windows.admit(c.action, c.authOK && c.auth.secretID == e.cfg.SecretID)
	if ok {
		return nil
	}
	e.stats.throttle()
	return throttled(n, e.cfg.Rate)
}

// reply executes a call, or lets a fault befall it.
func (e *Emulator) reply(c *call, refused *refusal) reply {
	if refused != nil {
		return e.answer(c, nil, refused)
	}
	fault := e.faults.call()
	if fault != faultNone {
		e.log.Debug("fault", zap.String("action", c.action), zap.String("kind", fault))
	}
	switch fault {
	case faultNone:
		return e.execute(c)
	case faultSlow:
		p := e.execute(c)
		p.after = slowness
		return p
	case faultLostAnswer:
		e.execute(c)
		return reply{hangUp: true}
	case faultThrottle:
		rate := cmp.Or(e.cfg.Rate, usualRate)
		e.stats.throttle()
		return e.answer(c, nil, throttled(rate+1, rate))
	default:
		return e.outage(c, fault)
	}
}

// outage is what comes back from a call that a fault has kept from the API.
func (e *Emulator) outage(c *call, fault string) reply {
	const page = "<html><head><title>%[1]s</title></head><body><center><h1>%[1]s</h1></center></body></html>\r\n"
	switch fault {
	case faultTimeout:
		return reply{hangUp: true, after: patience}
	case faultHTML:
		return reply{status: http.StatusOK, kind: "text/html", body: fmt.Appendf(nil, page, "Service Unavailable")}
	case faultEmpty:
		return reply{status: http.StatusOK, kind: jsonType}
	case faultError5xx:
		if e.faults.unit() < 0.5 {
			p := answer(c.id, nil, refuse(codeInternal, "Internal error."))
			p.status = http.StatusInternalServerError
			return p
		}
		return reply{status: http.StatusBadGateway, kind: "text/html", body: fmt.Appendf(nil, page, "502 Bad Gateway")}
	default:
		return reply{hangUp: true}
	}
}

// execute judges a call by everything but its pace, and carries it out.
func (e *Emulator) execute(c *call) reply {
	run, r := e.route(c)
	if r == nil {
		r = e.authenticate(c)
	}
	if r == nil {
		r = c.checkContentType()
	}
	if r != nil {
		return e.answer(c, nil, r)
	}
	response, r := run(e, c)
	return e.answer(c, response, r)
}

// wait passes time, and tells whether the client is still there.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
