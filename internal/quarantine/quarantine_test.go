package quarantine

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// often are messages that were delivered so often that they are handled apart.
func often(n int) []message {
	all := make([]message, n)
	for i := range all {
		all[i] = message{name: "m" + strconv.Itoa(i), deliveries: MaxDeliveries + 1}
	}
	return all
}

func TestDivert_KeepsWhatWasDeliveredOften(t *testing.T) {
	t.Parallel()
	p := newStore().process(t)
	q := New(Config[message]{Ledger: p, Owner: p, Log: zap.NewNop()})
	others := q.Divert([]message{
		{name: "new", deliveries: 1},
		{name: "often", deliveries: MaxDeliveries + 1},
		{name: "known", deliveries: MaxDeliveries},
	})
	if got := names(others); got != "new known" || p.held != 1 {
		t.Errorf("it returned %q and holds %d, want \"new known\", 1", got, p.held)
	}
}

// A worker that dies often has whatever it holds delivered often: most messages are soon done.
func TestRun_HandlesTogetherWhatNothingIsKnownOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		begun  []int // messages that were begun and never ended
		n      int
		lots   []string
		alone  int
		atMost time.Duration
	}{
		{"nothing is known of any", nil, 3, []string{"m0 m1 m2"}, 0, 2 * watchFor},
		{"the first was begun", []int{0}, 3, []string{"m0", "m1 m2"}, 1, 3 * watchFor},
		{"one between was begun", []int{1}, 4, []string{"m0", "m1", "m2 m3"}, 1, 4 * watchFor},
		{"each was begun", []int{0, 1, 2}, 3, []string{"m0", "m1", "m2"}, 3, 4 * watchFor},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				for _, i := range tt.begun {
					s.begun[often(tt.n)[i].name] = 0
				}
				p := s.process(t)
				stop := p.run(often(tt.n)...)
				time.Sleep(tt.atMost)
				stop()
				if !slices.Equal(p.handled, tt.lots) || p.isolated != tt.alone {
					t.Errorf("it handled %q, %d of them alone, want %q, %d", p.handled, p.isolated, tt.lots, tt.alone)
				}
				if len(s.begun) > 0 || p.held != 0 || len(p.released) > 0 {
					t.Errorf("left over: begun %v, %d held, %v released", s.begun, p.held, p.released)
				}
			})
		})
	}
}

func TestRun_HandlesABoundedNumberTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newStore().process(t)
		stop := p.run(often(maxTogether + 1)...)
		time.Sleep(3 * watchFor)
		stop()
		if want := []string{names(often(maxTogether)), "m500"}; !slices.Equal(p.handled, want) {
			t.Errorf("it handled %d lots, want one of %d and one of 1", len(p.handled), maxTogether)
		}
	})
}

// It is stored as begun for as long as it is watched, and no longer.
func TestRun_StoresWhatIsBegun(t *testing.T) {
	t.Parallel()
	for _, alone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore()
			want := 0
			if alone {
				s.begun["m0"], want = 1, 2
			}
			p := s.process(t)
			stop := p.run(often(1)...)
			time.Sleep(watchFor / 2)
			synctest.Wait()
			if got, ok := s.now()["m0"]; got != want || !ok {
				t.Errorf("alone %t: while it is watched it is begun %d times (%t), want %d", alone, got, ok, want)
			}
			stop() // a drain is no crash
			if len(s.begun) > 0 || len(p.handled) != 1 {
				t.Errorf("alone %t: after a drain it has handled %v, and %v are begun, want none", alone, p.handled, s.begun)
			}
		})
	}
}

func TestRun_EndsUnreadWhatNeverEnded(t *testing.T) {
	t.Parallel()
	for before, unread := range map[int]bool{0: false, MaxAlone - 1: false, MaxAlone: true, MaxAlone + 1: true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore()
			s.begun["m0"] = before
			p := s.process(t)
			stop := p.run(often(2)...)
			time.Sleep(3 * watchFor)
			stop()
			handled := []string{"m0", "m1"}
			if unread {
				handled = []string{"m1"}
			}
			if !slices.Equal(p.handled, handled) || (len(p.unread) == 1) != unread || p.isolated != 1 {
				t.Errorf("begun %d times: handled %v, ended %v unread", before, p.handled, p.unread)
			}
			if len(s.begun) > 0 {
				t.Errorf("begun %d times: %v is not ended: the next time counts anew", before, s.begun)
			}
		})
	}
}

// A message that was acked just before a crash does not come again to be ended.
func TestRun_ForgetsWhatNeverComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.begun["gone"], s.begun["gone too"] = 0, 3
		stop := s.process(t).run()
		time.Sleep(forgetAfter - time.Minute)
		synctest.Wait()
		if begun := s.now(); len(begun) != 2 {
			t.Errorf("before the time %v are begun, want both", begun)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if begun := s.now(); len(begun) > 0 {
			t.Errorf("after the time %v are begun, want none", begun)
		}
		stop()
	})
}

func TestRun_ReleasesTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.begun["m0"] = 0
		p := s.process(t)
		stop := p.run(often(4)...)
		time.Sleep(watchFor / 2)
		stop()
		if want := []string{"m1 m2 m3"}; !slices.Equal(p.released, want) || p.held != 0 {
			t.Errorf("released %q, %d held, want %q, 0", p.released, p.held, want)
		}
	})
}
