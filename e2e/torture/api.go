package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
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
	worker := len(a.servers)
	server, url, err := kit.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(worker, w, r) }))
	if err != nil {
		return err
	}
	a.servers = append(a.servers, server)
	a.urls = append(a.urls, url)
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

// caller is the worker that called last: the leader, as far as one can tell from outside.
func (a *api) caller() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

func (a *api) serve(worker int, w http.ResponseWriter, r *http.Request) {
	in, err := kit.ReadCall(r)
	c := &call{Worker: worker, Action: in.Action, Arrived: in.At}
	rule := a.arrive(worker)
	if err != nil {
		c.Gone = true
	} else {
		c.read(in.Body)
		answer := a.befall(in, c, rule)
		c.Gone = in.Context().Err() != nil
		answer.Send(w)
	}
	c.Done = time.Now()
	a.notes.add(c)
}

// befall carries a call out, or lets it come to grief.
func (a *api) befall(in *kit.Call, c *call, f *rule) kit.Answer {
	if f == nil {
		return a.forward(in, c)
	}
	c.Fate = f.kind
	switch f.kind {
	case apiLost:
		a.forward(in, c)
		return kit.Answer{}
	case apiSlow, apiLate:
		p := a.forward(in, c)
		delay := slow
		if f.kind == apiLate {
			delay = late
		}
		wait.Sleep(in.Context(), delay)
		return p
	case apiHang:
		select {
		case <-f.over:
		case <-in.Context().Done():
		}
		return kit.Answer{}
	case api5xx:
		return kit.Answer{Status: http.StatusBadGateway, Type: "text/html", Body: []byte("<html><h1>502 Bad Gateway</h1></html>")}
	case apiGarbled:
		return a.garble()
	case apiThrottle:
		return refusal(c, "RequestLimitExceeded", "Your current request times equals to `21` in a second, which exceeds the frequency limit `20`.")
	case apiSmall:
		if len(c.Targets) > small {
			return refusal(c, "LimitExceeded.BatchQuota", "Reached the upper limit of resource number.")
		}
		c.Fate = ""
		return a.forward(in, c)
	default: // apiReset
		return kit.Answer{}
	}
}

func (a *api) garble() kit.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return []kit.Answer{
		{Status: http.StatusOK, Type: "text/html", Body: []byte("<html><h1>Service Unavailable</h1></html>")},
		{Status: http.StatusOK, Type: "application/json", Body: []byte("{}")},
		{Status: http.StatusOK, Type: "application/json", Body: nil},
		{Status: http.StatusOK, Type: "application/json", Body: []byte(`{"Response":{"JobId":"20`)},
	}[a.rng.IntN(4)]
}

func refusal(c *call, code, message string) kit.Answer {
	c.Code = code
	return kit.Answer{Status: http.StatusOK, Type: "application/json", Body: fmt.Appendf(nil,
		`{"Response":{"Error":{"Code":%q,"Message":%q},"RequestId":"00000000-0000-4000-8000-000000000000"}}`, code, message)}
}

// forward hands a call to the emulator, also when nobody waits for the answer any more.
func (a *api) forward(in *kit.Call, c *call) kit.Answer {
	answer, err := in.Forward(a.client, a.emulator)
	c.Answered = time.Now()
	if err != nil {
		c.Code = "forward: " + err.Error()
		return kit.Answer{}
	}
	c.readAnswer(answer.Body)
	return answer
}
