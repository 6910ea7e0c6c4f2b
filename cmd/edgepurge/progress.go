package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a list is, and about how long it will take: a bar where a person watches, a
// plain line now and then where not.
type progress struct {
	out io.Writer

	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	pace pace
	last time.Time
	why  string // what the rest waits for; empty: for nothing but its turn
	over bool
}

// lineEvery is how often a plain line is printed.
const lineEvery = 5 * time.Second

func newProgress(out io.Writer, all int) *progress {
	p := &progress{out: out, last: time.Now(), pace: pace{next: time.Now().Add(paceEvery)}}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("CI") == "" {
		p.bar = progressbar.NewOptions(all,
			progressbar.OptionSetWriter(out), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetDescription("purging"),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	return p
}

// waits says what the rest waits for, empty where that is nothing but its turn: at once where it begins, and with the
// numbers as long as it lasts. It is safe for concurrent use.
func (p *progress) waits(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.why == "" && why != "" && !p.over {
		if p.bar != nil {
			_ = p.bar.Clear()
		}
		_, _ = fmt.Fprintln(p.out, why)
	}
	p.why = why
}

// set tells how many have ended. It is safe for concurrent use.
func (p *progress) set(ended, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.pace.note(now, ended)
	switch {
	case p.over:
	case p.bar != nil:
		p.bar.Describe("purging" + p.left(now, ended, all))
		_ = p.bar.Set(ended)
	case now.Sub(p.last) >= lineEvery:
		p.last = now
		_, _ = fmt.Fprintf(p.out, "%d of %d requests have ended%s\n", ended, all, p.left(now, ended, all))
	}
}

// left says how long the rest will take, where that can be told.
func (p *progress) left(now time.Time, ended, all int) string {
	if p.why != "" {
		return ": " + p.why
	}
	d, ok := p.pace.left(now, ended, all)
	if !ok {
		return ""
	}
	return fmt.Sprintf(", about %s left", max(time.Second, d.Round(time.Second)))
}

// say prints a line above the bar. What others wrote in it can't command a terminal.
func (p *progress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && !p.over {
		_ = p.bar.Clear()
	}
	_, _ = fmt.Fprintln(p.out, plain(line))
}

// end leaves the screen to others.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && !p.over {
		_ = p.bar.Finish()
	}
	p.over = true
}

const (
	// paceEvery is the least time between two marks of a pace. The first is made that long after the start,
	// so that what had ended before is no part of the rate.
	paceEvery = time.Second
	// paceMarks is how many marks count: the rate is that of the last half minute.
	paceMarks = 30
)

// pace tells from the rate of late how long the rest will take.
type pace struct {
	next  time.Time // no mark before
	marks []mark    // oldest first
}

type mark struct {
	at    time.Time
	ended int
}

func (p *pace) note(now time.Time, ended int) {
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(paceEvery)
	p.marks = append(p.marks, mark{now, ended})
	if len(p.marks) > paceMarks {
		p.marks = p.marks[1:]
	}
}

// left is false until there is a rate.
func (p *pace) left(now time.Time, ended, all int) (time.Duration, bool) {
	if len(p.marks) == 0 || ended >= all {
		return 0, false
	}
	since := p.marks[0]
	done, took := ended-since.ended, now.Sub(since.at)
	if done <= 0 || took < paceEvery {
		return 0, false
	}
	return time.Duration(float64(took) / float64(done) * float64(all-ended)), true
}
