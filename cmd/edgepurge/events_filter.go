package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

// eventFlags say which events are printed, and how.
type eventFlags struct {
	follow, noHeaders     bool
	source, since, status string
	limit                 int
	output                format

	from time.Time // since, read
}

func (f *eventFlags) add(set *pflag.FlagSet) {
	set.BoolVarP(&f.follow, "follow", "f", false, "go on with what comes")
	set.StringVar(&f.source, "source", "", "only of this source")
	set.StringVar(&f.since, "since", "", "only what ended since: a duration back, such as 30m, or a time, such as 2026-11-22T10:00:00Z")
	set.StringVar(&f.status, "status", "", "only with this status, or with one of several, separated by commas")
	set.IntVar(&f.limit, "limit", 0, "only the newest LIMIT events; with --follow end after so many; 0: all")
	set.BoolVar(&f.noHeaders, "no-headers", false, "leave out the line with the names of the columns")
}

// check reads what the flags say.
func (f *eventFlags) check(now time.Time) error {
	if f.source != "" && !purge.ValidSource(f.source) {
		return usage("--source %q: a source is 1 to 32 of a-z 0-9 _ -", f.source)
	}
	if f.limit < 0 {
		return usage("--limit %d: give the number of events, 0 for all", f.limit)
	}
	for status := range strings.SplitSeq(f.status, ",") {
		switch purge.Status(status) {
		case purge.Completed, purge.Partial, purge.Failed, purge.Rejected, purge.Expired:
		default:
			if f.status != "" {
				return usage("--status %q: use completed, partial, failed, rejected or expired", status)
			}
		}
	}
	if f.since == "" {
		return nil
	}
	if back, err := time.ParseDuration(f.since); err == nil && back >= 0 {
		f.from = now.Add(-back)
		return nil
	}
	at, err := time.Parse(time.RFC3339, f.since)
	if err != nil {
		return usage("--since %q: write a duration back, such as 30m, or a time, such as 2026-11-22T10:00:00Z", f.since)
	}
	f.from = at
	return nil
}

// errEnough ends a reading of events.
var errEnough = errors.New("enough events")

// eventPrinter prints those events that the flags ask for.
type eventPrinter struct {
	*eventFlags

	out, errs io.Writer
	newest    []string // lines that are kept for the end, where only the newest count

	mu      sync.Mutex // of what follows
	printed int
	over    bool // nothing is said any more
}

// take prints an event, unless it is another than those that are asked for. Its error is errEnough after the last.
func (p *eventPrinter) take(e broker.Event) error {
	if p.status != "" && !strings.Contains(","+p.status+",", ","+string(e.Status)+",") {
		return nil
	}
	var event purge.Event
	if err := json.Unmarshal(e.Data, &event); err != nil {
		// Of a newer edgepurge: its subject says the most of it all the same.
		event = purge.Event{Data: purge.Outcome{Source: e.Source, Request: e.ID, Status: e.Status}}
	}
	if !p.from.IsZero() && !event.Time.IsZero() && event.Time.Before(p.from) {
		return nil
	}
	line := string(e.Data)
	if p.output != asJSON {
		line = eventLine(event)
	}
	if p.limit > 0 && !p.follow {
		if p.newest = append(p.newest, line); len(p.newest) > p.limit {
			p.newest = p.newest[1:]
		}
		return nil
	}
	if err := p.print(line); err != nil {
		return err
	}
	if p.limit > 0 && p.printed == p.limit {
		return errEnough
	}
	return nil
}

// end prints what was kept, and takes errEnough for the end that it is.
func (p *eventPrinter) end(err error) error {
	for _, line := range p.newest {
		if failed := p.print(line); failed != nil {
			return failed
		}
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	if err == nil && p.printed == 0 {
		_, err = fmt.Fprintln(p.errs, "none")
	}
	return err
}

// quietAfter is how long nothing must have been printed before it is said that this waits.
const quietAfter = 2 * time.Second

// quiet says once that nothing has come yet, where what comes is waited for. What it returns ends that.
func (p *eventPrinter) quiet() (stop func()) {
	if !p.follow {
		return func() {}
	}
	timer := time.AfterFunc(quietAfter, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.printed == 0 && !p.over {
			_, _ = fmt.Fprintln(p.errs, "none yet; waits for what comes, until ^C")
		}
	})
	return func() {
		timer.Stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.over = true
	}
}

func (p *eventPrinter) print(line string) error {
	p.mu.Lock()
	p.printed++
	first := p.printed == 1
	p.mu.Unlock()
	if first && p.output != asJSON && !p.noHeaders {
		line = eventColumns("TIME", "STATUS", "REQUEST", "PURGED", "REASON") + "\n" + line
	}
	_, err := fmt.Fprintln(p.out, line)
	return err
}

func eventLine(e purge.Event) string {
	o, reason := e.Data, ""
	if o.Reason != nil {
		reason = o.Reason.Error()
	}
	return plain(eventColumns(stamp(e.Time), string(o.Status), o.Source+"/"+o.Request,
		fmt.Sprintf("%d/%d", o.Targets.Succeeded, o.Targets.Total), reason))
}

// eventColumns is a line of a table whose widths are not known before its end: what follows may come much later.
func eventColumns(at, status, request, purged, reason string) string {
	return strings.TrimRight(fmt.Sprintf("%-24s  %-9s  %-36s  %-7s  %s", at, status, request, purged, reason), " ")
}
