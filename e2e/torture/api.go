package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// late and slow are how long answers take under the faults of that name: less and more than workers wait.
const (
	late = 1500 * time.Millisecond
	slow = apiTimeout + 2*time.Second
	// small is how many targets a call may have under api-small.
	small = 60
)

// api stands between the workers and the emulator, one address for each worker. It notes what arrives, and lets
// faults befall it.
type api struct {
	emulator string // its address
	client   *http.Client
	notes    *notes
	servers  []*http.Server
	urls     []string // by worker

	mu    sync.Mutex
	rng   *rand.Rand
	rules []*rule
	last  int // the worker that called last
}

// rule is a fault of the API while it lasts.
type rule struct {
	kind  kind
	share float64
	over  chan struct{}
}

func newAPI(emulator string, seed uint64, n *notes) *api {
	return &api{
		emulator: emulator, notes: n, rng: rand.New(rand.NewPCG(seed, 0x617069)),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute},
	}
}

// open adds the address of the next worker.
func (a *api) open() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once
	if err != nil {
		return fmt.Errorf("open API: %w", err)
	}
	worker := len(a.servers)
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(worker, w, r) }),
		ReadHeaderTimeout: time.Minute,
	}
	a.servers = append(a.servers, server)
	a.urls = append(a.urls, "http://"+listener.Addr().String())
	go func() { _ = server.Serve(listener) }() // close ends it
	return nil
}

func (a *api) close() {
	for _, s := range a.servers {
		_ = s.Close()
	}
	a.client.CloseIdleConnections()
}

// impose lets a fault befall a share of the calls; the function lifts it.
func (a *api) impose(k kind, share float64) (lift func()) {
	r := &rule{k, share, make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rules = append(a.rules, r)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for i := range a.rules {
			if a.rules[i] == r {
				a.rules = append(a.rules[:i:i], a.rules[i+1:]...)
				close(r.over)
				return
			}
		}
	}
}

// arrive notes who calls, and draws what befalls the call.
func (a *api) arrive(worker int) *rule {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = worker
	for _, r := range a.rules {
		if a.rng.Float64() < r.share {
			return r
		}
	}
	return nil
}

// caller is the worker that called last: the owner, as far as one can tell from outside.
func (a *api) caller() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

func (a *api) serve(worker int, w http.ResponseWriter, r *http.Request) {
	c := &call{Worker: worker, Action: r.Header.Get("X-TC-Action"), Arrived: time.Now()}
	rule := a.arrive(worker)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.Gone = true
	} else {
		c.read(body)
		reply := a.befall(r, c, rule, body)
		c.Gone = r.Context().Err() != nil
		reply.send(w)
	}
	c.Done = time.Now()
	a.notes.add(c)
}

// reply is an answer on its way out; without a status the connection is closed.
type reply struct {
	status int
	kind   string
	body   []byte
}

func (p reply) send(w http.ResponseWriter) {
	if p.status == 0 {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
		return
	}
	w.Header().Set("Content-Type", p.kind)
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body)
}

// befall carries a call out, or lets it come to grief.
func (a *api) befall(r *http.Request, c *call, f *rule, body []byte) reply {
	if f == nil {
		return a.forward(r, c, body)
	}
	c.Fate = f.kind
	switch f.kind {
	case apiLost:
		a.forward(r, c, body)
		return reply{}
	case apiSlow, apiLate:
		p := a.forward(r, c, body)
		delay := slow
		if f.kind == apiLate {
			delay = late
		}
		wait.Sleep(r.Context(), delay)
		return p
	case apiHang:
		select {
		case <-f.over:
		case <-r.Context().Done():
		}
		return reply{}
	case api5xx:
		return reply{http.StatusBadGateway, "text/html", []byte("<html><h1>502 Bad Gateway</h1></html>")}
	case apiGarbled:
		return a.garble()
	case apiThrottle:
		return refusal(c, "RequestLimitExceeded", "Your current request times equals to `21` in a second, which exceeds the frequency limit `20`.")
	case apiSmall:
		if len(c.Targets) > small {
			return refusal(c, "LimitExceeded.BatchQuota", "Reached the upper limit of resource number.")
		}
		c.Fate = ""
		return a.forward(r, c, body)
	default: // apiReset
		return reply{}
	}
}

func (a *api) garble() reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	return []reply{
		{http.StatusOK, "text/html", []byte("<html><h1>Service Unavailable</h1></html>")},
		{http.StatusOK, "application/json", []byte("{}")},
		{http.StatusOK, "application/json", nil},
		{http.StatusOK, "application/json", []byte(`{"Response":{"JobId":"20`)},
	}[a.rng.IntN(4)]
}

func refusal(c *call, code, message string) reply {
	c.Code = code
	return reply{http.StatusOK, "application/json", fmt.Appendf(nil,
		`{"Response":{"Error":{"Code":%q,"Message":%q},"RequestId":"00000000-0000-4000-8000-000000000000"}}`, code, message)}
}

// forward hands a call to the emulator, also when nobody waits for the answer any more.
func (a *api) forward(r *http.Request, c *call, body []byte) reply {
	p, err := a.pass(context.WithoutCancel(r.Context()), r, body)
	c.Answered = time.Now()
	if err != nil {
		c.Code = "forward: " + err.Error()
		return reply{}
	}
	c.readAnswer(p.body)
	return p
}
