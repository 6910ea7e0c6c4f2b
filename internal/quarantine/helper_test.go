package quarantine

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
)

// message is what a test puts into quarantine.
type message struct {
	name       string
	deliveries int
	poison     bool // ends the process that handles it
}

// store is what is stored, and outlives processes.
type store struct {
	mu    sync.Mutex
	begun map[string]int
}

// process is what a Quarantine works with until it dies: its owner, and its ledger. A dead one does
// nothing more.
type process struct {
	*store

	t    testing.TB
	ctx  context.Context
	kill context.CancelFunc

	mu       sync.Mutex
	held     int
	handled  []string // the names of each lot
	unread   []string
	isolated int
	released []string
}

func newStore() *store { return &store{begun: make(map[string]int)} }

// now returns what is begun.
func (s *store) now() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.begun)
}

func (s *store) process(t testing.TB) *process {
	p := &process{store: s, t: t}
	p.ctx, p.kill = context.WithCancel(context.WithoutCancel(t.Context()))
	return p
}

// run runs a Quarantine with these messages in it. The function drains it.
func (p *process) run(messages ...message) (stop func()) {
	q := New(Config[message]{Ledger: p, Owner: p, Log: zap.NewNop()})
	if others := q.Divert(messages); len(others) > 0 {
		p.t.Errorf("%v are not kept", others)
	}
	stopping, cancel := context.WithCancel(p.ctx)
	var ended sync.WaitGroup
	ended.Go(func() { q.Run(stopping, p.ctx) })
	return func() {
		cancel()
		ended.Wait()
	}
}

func (p *process) change(ctx context.Context, change func(map[string]int)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	change(p.begun)
	return nil
}

func (p *process) Alone(ctx context.Context) (times map[string]int, err error) {
	err = p.change(ctx, func(m map[string]int) { times = maps.Clone(m) })
	return times, err
}

func (p *process) BeginTogether(ctx context.Context, names []string) error {
	return p.change(ctx, func(m map[string]int) {
		for _, name := range names {
			m[name] += 0
		}
	})
}

func (p *process) BeginAlone(ctx context.Context, name string) (times int, err error) {
	err = p.change(ctx, func(m map[string]int) {
		m[name]++
		times = m[name]
	})
	return times, err
}

func (p *process) EndAlone(ctx context.Context, names ...string) error {
	return p.change(ctx, func(m map[string]int) {
		for _, name := range names {
			delete(m, name)
		}
	})
}

func (p *process) Name(m message) string    { return m.name }
func (p *process) Deliveries(m message) int { return m.deliveries }

func (p *process) Held(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held += n; p.held < 0 {
		p.t.Errorf("%d messages are held", p.held)
	}
}

func (p *process) Handle(ctx context.Context, messages []message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if slices.ContainsFunc(messages, func(m message) bool { return m.poison }) {
		p.kill()
		return
	}
	p.handled = append(p.handled, names(messages))
}

func (p *process) Isolated(message, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isolated++
}

func (p *process) EndUnread(ctx context.Context, m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() == nil {
		p.unread = append(p.unread, m.name)
	}
}

func (p *process) Release(messages []message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.released = append(p.released, names(messages))
}

func names(messages []message) string {
	all := make([]string, len(messages))
	for i, m := range messages {
		all[i] = m.name
	}
	return strings.Join(all, " ")
}
