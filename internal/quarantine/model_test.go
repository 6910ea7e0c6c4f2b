package quarantine

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Some messages end the process whenever they are handled. Process after process dies, and each
// brings back what the one before had not ended. In the end each of those messages has ended
// unread, after MaxAlone times alone, and each other message was handled and none ended unread.
func TestQuarantine_EndsThoseThatEndTheProcess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		poison := rapid.SliceOfN(rapid.Bool(), 1, 12).Draw(r, "poison")
		open := make([]message, len(poison))
		bad := 0
		for i, p := range poison {
			open[i] = message{name: strconv.Itoa(i), deliveries: MaxDeliveries + 1, poison: p}
			if p {
				bad++
			}
		}
		ended := make(map[string]bool) // name -> unread
		deaths := 0
		s := newStore()
		for len(open) > 0 {
			if deaths > len(poison)*(MaxAlone+1) {
				r.Fatalf("after %d deaths %v are open", deaths, open)
			}
			p, died := s.live(t, rapid.Permutation(open).Draw(r, "order"))
			if died {
				deaths++
			}
			for _, lot := range p.handled {
				for name := range strings.SplitSeq(lot, " ") {
					ended[name] = false
				}
			}
			for _, name := range p.unread {
				ended[name] = true
			}
			open = slices.DeleteFunc(open, func(m message) bool {
				_, ok := ended[m.name]
				return ok
			})
		}
		if len(s.begun) > 0 {
			r.Errorf("%v are begun, want none", s.begun)
		}
		for i, p := range poison {
			if unread, ok := ended[strconv.Itoa(i)]; !ok || unread != p {
				r.Errorf("message %d ends the process: %t; it ended: %t, unread: %t", i, p, ok, unread)
			}
		}
		if most := 1 + bad*(MaxAlone+1); deaths > most {
			r.Errorf("%d messages ended %d processes, want %d at most", bad, deaths, most)
		}
	})
}

// live runs a process with these messages, until it dies or has had time for all.
func (s *store) live(t *testing.T, messages []message) (p *process, died bool) {
	synctest.Test(t, func(t *testing.T) {
		p = s.process(t)
		stop := p.run(messages...)
		select {
		case <-p.ctx.Done():
			died = true
		case <-time.After(time.Duration(len(messages)+2) * watchFor):
		}
		stop()
	})
	return p, died
}
