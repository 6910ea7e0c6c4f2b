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

// progress shows how far a list is: a bar where a person watches, a plain line now and then where
// not.
type progress struct {
	out io.Writer
	all int

	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	last time.Time
	over bool
}

// lineEvery is how often a plain line is printed.
const lineEvery = 5 * time.Second

func newProgress(out io.Writer, all int) *progress {
	p := &progress{out: out, all: all, last: time.Now()}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("CI") == "" {
		p.bar = progressbar.NewOptions(all,
			progressbar.OptionSetWriter(out), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetDescription("purging"),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	return p
}

// set tells how many have ended. It is safe for concurrent use.
func (p *progress) set(ended, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
	case p.bar != nil:
		_ = p.bar.Set(ended)
	case time.Since(p.last) >= lineEvery:
		p.last = time.Now()
		_, _ = fmt.Fprintf(p.out, "%d of %d requests have ended\n", ended, all)
	}
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
