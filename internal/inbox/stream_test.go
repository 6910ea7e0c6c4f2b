package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

var errAway = errors.New("away")

// stream is a consumer as JetStream has it: what is delivered and not answered within AckWait comes
// again. It notes what an Inbox must never do.
type stream struct {
	name    string
	ackWait time.Duration // its own
	lease   *lease

	mu      sync.Mutex
	inForce time.Duration // of AckWait
	all     []*message
	away    bool
	gone    bool
	later   []time.Duration // of NakLater
	pulls   []int           // the room of each pull that brought something
	rest    []record.Delivery
	changes []time.Duration // of AckWait
	faults  []string
}

// message is one of a stream.
type message struct {
	sequence  uint64
	count     int
	delivered bool
	acked     bool
	lost      bool      // it does not come, as when its replica is away
	due       time.Time // when it comes again, if it is delivered; else from when on it may come
	answers   map[string]string
}

type lease struct {
	mu  sync.Mutex
	bad bool
}

func (l *lease) Valid() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.bad
}

func (l *lease) set(valid bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bad = !valid
}

func newStream(name string, n int) *stream {
	s := &stream{name: name, ackWait: 30 * time.Second, inForce: 30 * time.Second, lease: new(lease)}
	for i := range n {
		s.all = append(s.all, &message{sequence: uint64(i + 1), answers: make(map[string]string)})
	}
	return s
}

func (s *stream) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// deliver returns what may be delivered now; the lock must be held.
func (s *stream) deliver(room int) (got []record.Delivery) {
	now := time.Now()
	for _, m := range s.all {
		if len(got) == room {
			break
		}
		if m.acked || m.lost || m.due.After(now) {
			continue
		}
		m.count++
		m.delivered, m.due = true, now.Add(s.inForce)
		got = append(got, record.Delivery{
			Sequence: m.sequence, Count: m.count, Reply: fmt.Sprintf("%s.%d.%d", s.name, m.sequence, m.count),
		})
	}
	return got
}

func (s *stream) Pull(ctx context.Context, room int) (got []record.Delivery, err error) {
	for {
		s.set(func() {
			switch {
			case s.gone:
				err = record.ErrGone
			case s.away:
				err = errAway
			default:
				if got = s.deliver(room); len(got) > 0 {
					s.pulls = append(s.pulls, room)
				}
			}
		})
		if len(got) > 0 || err != nil {
			return got, err
		}
		if !wait.Sleep(ctx, 10*time.Millisecond) {
			return nil, context.Cause(ctx)
		}
	}
}

func (s *stream) Rest() (rest []record.Delivery) {
	s.set(func() { rest, s.rest = s.rest, nil })
	return rest
}

func (s *stream) AckWait() time.Duration { return s.ackWait }

func (s *stream) Same(context.Context) (err error) {
	s.set(func() {
		if s.gone {
			err = record.ErrGone
		}
	})
	return err
}

func (s *stream) Depth(context.Context) (waiting, held int, err error) {
	s.set(func() {
		if s.away {
			err = errAway
		}
		for _, m := range s.all {
			switch {
			case m.acked:
			case m.delivered:
				held++
			default:
				waiting++
			}
		}
	})
	return waiting, held, err
}

func (s *stream) ShortenAckWait(context.Context) (time.Duration, error) {
	return time.Second, s.change(time.Second)
}

func (s *stream) RestoreAckWait(context.Context) error { return s.change(s.ackWait) }

func (s *stream) change(to time.Duration) (err error) {
	s.set(func() {
		if s.away {
			err = errAway
			return
		}
		if s.inForce == to {
			return
		}
		s.inForce = to
		s.changes = append(s.changes, to)
		for _, m := range s.all {
			if m.delivered {
				m.due = time.Now().Add(to)
			}
		}
	})
	return err
}

// answer does something for each reply, unless the stream is away.
func (s *stream) answer(word string, replies []string, do func(*message)) (err error) {
	if !s.lease.Valid() {
		s.set(func() { s.faults = append(s.faults, word+" without the lease") })
	}
	s.set(func() {
		if s.away {
			err = errAway
			return
		}
		for _, reply := range replies {
			var sequence uint64
			var count int
			if _, err := fmt.Sscanf(reply, s.name+".%d.%d", &sequence, &count); err != nil {
				s.faults = append(s.faults, "answered "+reply)
				continue
			}
			m := s.all[sequence-1]
			if before := m.answers[reply]; before != "" {
				s.faults = append(s.faults, fmt.Sprintf("%s of %s after %s", word, reply, before))
			}
			if word != "heartbeat" {
				m.answers[reply] = word
			}
			if count == m.count {
				do(m)
			}
		}
	})
	return err
}

func (s *stream) Ack(_ context.Context, replies []string) error {
	return s.answer("ack", replies, func(m *message) { m.acked, m.delivered = true, false })
}

func (s *stream) InProgress(replies []string) error {
	return s.answer("heartbeat", replies, func(m *message) { m.due = time.Now().Add(s.inForce) })
}

func (s *stream) Nak(replies []string) error {
	return s.answer("nak", replies, func(m *message) { m.delivered, m.due = false, time.Now() })
}

func (s *stream) NakLater(replies []string, after time.Duration) error {
	s.set(func() { s.later = append(s.later, after) })
	return s.answer("nak", replies, func(m *message) { m.delivered, m.due = false, time.Now().Add(after) })
}

// counts returns how often each message was delivered.
func (s *stream) counts() (all []int) {
	s.set(func() {
		for _, m := range s.all {
			all = append(all, m.count)
		}
	})
	return all
}

// unacked returns the sequences of the messages that are not acked.
func (s *stream) unacked() (all []uint64) {
	s.set(func() {
		for _, m := range s.all {
			if !m.acked {
				all = append(all, m.sequence)
			}
		}
	})
	return all
}

func (s *stream) check(t *testing.T) {
	t.Helper()
	s.set(func() {
		if len(s.faults) > 0 {
			t.Errorf("the broker saw: %q", s.faults)
		}
	})
}

// newInbox returns an Inbox that has s as its bulk lane, with a budget of so many targets.
func newInbox(s *stream, budget int) (*Inbox, *Puller) {
	b := New(Config{Acker: s, Lease: s.lease, Budget: NewBudget(1000, budget), Log: zap.NewNop()})
	return b, b.Lane(purge.Bulk, s)
}

// run sends heartbeats until the test ends.
func run(t *testing.T, b *Inbox) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { b.Run(ctx) })
	t.Cleanup(func() { cancel(); done.Wait() })
}

// pull pulls until n messages have come.
func pull(t *testing.T, p *Puller, n int) []Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var all []Delivery
	for len(all) < n {
		lot, err := p.Pull(ctx)
		if err != nil || ctx.Err() != nil {
			t.Fatalf("got %d messages and then %v, %v, want %d", len(all), err, ctx.Err(), n)
		}
		all = append(all, lot...)
	}
	return all
}

func receipts(lot []Delivery) []*Receipt {
	all := make([]*Receipt, len(lot))
	for i, d := range lot {
		all[i] = d.Receipt
	}
	return all
}

func sequences(lot []Delivery) []uint64 {
	all := make([]uint64, len(lot))
	for i, d := range lot {
		all[i] = d.Sequence
	}
	slices.Sort(all)
	return all
}
