package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// Whatever is done with messages, each delivery is answered once, what is held is delivered to
// nobody else however long that takes, and what was not acked comes again.
func TestInbox_AnswersEachDeliveryOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type step struct{ kind, at, n int }
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{
				rapid.IntRange(0, 7).Draw(t, "kind"), rapid.IntRange(0, 40).Draw(t, "at"),
				rapid.IntRange(1, 4).Draw(t, "n"),
			}
		}), 1, 40).Draw(rt, "steps")
		fault := ""
		synctest.Test(t, func(t *testing.T) {
			s := newStream("s", 20)
			b, p := newInbox(s, 1000)
			run(t, b)
			var had []Delivery                // every delivery, answered or not
			held := make(map[uint64]*Receipt) // by message: the delivery that is not answered
			some := func(s step) []*Receipt {
				if len(had) == 0 {
					return nil
				}
				at := s.at % len(had)
				return receipts(had[at:min(len(had), at+s.n)])
			}
			drop := func(all []*Receipt) {
				for _, r := range all {
					if held[r.sequence] == r {
						delete(held, r.sequence)
					}
				}
			}
			for i, step := range steps {
				switch step.kind {
				case 0, 1:
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
					lot, err := p.Pull(ctx)
					cancel()
					if err != nil {
						fault = fmt.Sprintf("step %d: pull: %v", i, err)
						return
					}
					for _, d := range lot {
						if held[d.Sequence] != nil {
							fault = fmt.Sprintf("step %d: message %d came again while it was held", i, d.Sequence)
							return
						}
						held[d.Sequence] = d.Receipt
					}
					had = append(had, lot...)
				case 2:
					all := some(step)
					if err := b.Ack(t.Context(), all); err != nil {
						fault = fmt.Sprintf("step %d: ack: %v", i, err)
						return
					}
					drop(all)
				case 3:
					b.Release(some(step))
					drop(some(step))
				case 4:
					b.ReleaseLater(some(step))
					drop(some(step))
				case 5:
					b.Forget(some(step))
					drop(some(step))
				case 6:
					time.Sleep(time.Duration(step.n) * s.ackWait)
				case 7:
					time.Sleep(time.Duration(step.n) * time.Second)
				}
				if got := p.Unacked(); got != len(held) || len(b.lanes) != len(held) {
					fault = fmt.Sprintf("step %d (%d): counts %d unacked, has %d, want %d",
						i, step.kind, got, len(b.lanes), len(held))
					return
				}
			}
			b.ReleaseAll()
			if p.Unacked() != 0 {
				fault = fmt.Sprintf("%d are held after all were released", p.Unacked())
				return
			}
			open := s.unacked()
			time.Sleep(laterMax + 2*s.ackWait)
			if came := sequences(pull(t, p, len(open))); !slices.Equal(came, open) {
				fault = fmt.Sprintf("%v came again, want %v", came, open)
				return
			}
			if len(s.faults) > 0 {
				fault = fmt.Sprintf("the broker saw %q", s.faults)
			}
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// A message that came again, because no heartbeat got through, is held by its last delivery.
func TestInbox_LastDeliveryOfAMessageCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 3)
		b, p := newInbox(s, 1000)
		first := pull(t, p, 3)
		time.Sleep(time.Minute) // without heartbeats
		second := pull(t, p, 3)
		if p.Unacked() != 3 || !first[0].Receipt.Same(second[0].Receipt) || second[0].Count != 2 {
			t.Errorf("got %d unacked, want three messages that came again", p.Unacked())
		}
		b.Release(receipts(first)) // another delivery stands for each by now
		if p.Unacked() != 3 {
			t.Errorf("got %d unacked, want 3: their last deliveries are not answered", p.Unacked())
		}
		if err := b.Ack(t.Context(), receipts(second[:1])); err != nil {
			t.Fatal(err)
		}
		b.Forget(receipts(second[1:2]))
		b.Release(receipts(second[2:]))
		if p.Unacked() != 0 {
			t.Errorf("got %d unacked, want none", p.Unacked())
		}
		if again := pull(t, p, 1); again[0].Sequence != 3 {
			t.Errorf("got message %d, want the one that was released", again[0].Sequence)
		}
		time.Sleep(time.Minute)
		if again := sequences(pull(t, p, 2)); !slices.Equal(again, []uint64{2, 3}) {
			t.Errorf("got messages %v, want the forgotten one too", again)
		}
		s.check(t)
	})
}

func TestAck_TriesUntilTheBrokerHasIt(t *testing.T) {
	tests := []struct {
		name  string
		fault func(s *stream, on bool)
	}{
		{"the broker is away", func(s *stream, on bool) { s.set(func() { s.away = on }) }},
		{"the lease is not valid", func(s *stream, on bool) { s.lease.set(!on) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStream("s", 2)
				b, p := newInbox(s, 1000)
				lot := pull(t, p, 2)
				tt.fault(s, true)
				short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if err := b.Ack(short, receipts(lot)); !errors.Is(err, context.DeadlineExceeded) || p.Unacked() != 2 {
					t.Errorf("got %v with %d unacked, want the context's end and both held", err, p.Unacked())
				}
				time.AfterFunc(3*time.Second, func() { tt.fault(s, false) })
				begun := time.Now()
				if err := b.Ack(t.Context(), receipts(lot)); err != nil || p.Unacked() != 0 {
					t.Errorf("got %v with %d unacked, want all acked", err, p.Unacked())
				}
				if took := time.Since(begun); took < 3*time.Second || took > 4*time.Second {
					t.Errorf("it took %v, want about 3 s", took)
				}
				s.check(t)
			})
		})
	}
}

// Where the stream was made anew, a sequence number stands for another message (I2).
func TestAck_EndsWhereTheStreamWasMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 1)
		b, p := newInbox(s, 1000)
		lot := pull(t, p, 1)
		s.set(func() { s.away, s.gone = true, true })
		if err := b.Ack(t.Context(), receipts(lot)); !errors.Is(err, record.ErrGone) {
			t.Errorf("got %v, want %v", err, record.ErrGone)
		}
	})
}

// Without the lease another replica may hold the same messages: nothing is sent, and they come
// again by AckWait.
func TestInbox_SendsNothingWithoutTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 4)
		b, p := newInbox(s, 1000)
		run(t, b)
		lot := receipts(pull(t, p, 4))
		s.lease.set(false)
		b.Release(lot[:1])
		b.ReleaseLater(lot[1:2])
		time.Sleep(time.Minute)
		b.ReleaseAll()
		s.check(t)
		s.lease.set(true)
		if again := pull(t, p, 4); again[0].Count != 2 {
			t.Errorf("got delivery %d, want the second of each", again[0].Count)
		}
	})
}

func TestReleaseLater_ComesLaterEachTimeAndBitByBit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 1)
		b, p := newInbox(s, 1000)
		for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
			begun := time.Now()
			b.ReleaseLater(receipts(pull(t, p, 1)))
			if got := s.later[len(s.later)-1]; got != want*time.Second {
				t.Errorf("delivery %d: comes again after %v, want %v", len(s.later), got, want*time.Second)
			}
			pullAt := begun.Add(want * time.Second)
			wait.Sleep(t.Context(), time.Until(pullAt))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 2000)
		b, p := newInbox(s, 10_000)
		lot := receipts(pull(t, p, 2000))
		b.ReleaseLater(lot[:1500])
		b.ReleaseLater(lot[1500:])
		if want := []time.Duration{5 * time.Second, 5*time.Second + 1500*laterEach}; !slices.Equal(s.later, want) {
			t.Errorf("got %v, want %v: the lane has room for others", s.later, want)
		}
		s.check(t)
	})
}
