package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

func TestPrintEvent_CommandsNoTerminal(t *testing.T) {
	o := purge.Outcome{
		Request: "a", Source: "\x1b[2J\r\nforged", Status: purge.Rejected,
		Reason: &purge.Reason{Code: purge.CodeUnknownField, Message: "\x07\u202e", Field: "\x1b"},
	}
	data, err := purge.NewEvent("test", o, time.Now()).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	p := eventPrinter{eventFlags: &eventFlags{noHeaders: true}, out: &out, errs: io.Discard}
	if err := p.take(broker.Event{Data: data}); err != nil {
		t.Fatal(err)
	}
	if line := strings.TrimSuffix(out.String(), "\n"); line != plain(line) || !strings.Contains(line, "forged/a") {
		t.Errorf("got %q, want one line without control characters", out.String())
	}
}

// told are events that ended a minute after each other.
func told(t *testing.T, begin time.Time) []broker.Event {
	t.Helper()
	var all []broker.Event
	for i, status := range []purge.Status{purge.Completed, purge.Failed, purge.Completed, purge.Rejected, purge.Expired} {
		o := purge.Outcome{Request: fmt.Sprint("r", i), Source: "s", Status: status, Targets: purge.Counts{Total: 1}}
		o.Times.Finished = begin.Add(time.Duration(i) * time.Minute)
		data, err := purge.NewEvent("test", o, begin).Encode()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, broker.Event{Data: data, Source: "s", ID: o.Request, Status: status})
	}
	return all
}

func TestEvents_PrintsThoseThatAreAskedFor(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 4, 30, 0, time.UTC)
	for args, want := range map[string]string{
		"":                                  "r0 r1 r2 r3 r4",
		"--since 2m":                        "r3 r4",
		"--since 2026-11-22T10:02:00Z":      "r2 r3 r4",
		"--since 2026-11-22T12:02:00+02:00": "r2 r3 r4",
		"--status completed":                "r0 r2",
		"--status failed,expired":           "r1 r4",
		"--limit 2":                         "r3 r4",
		"--limit 9":                         "r0 r1 r2 r3 r4",
		"-f --limit 2":                      "r0 r1",
		"--follow --status completed":       "r0 r2",
		"--since 1h --status completed --limit 1 --no-headers": "r2",
		"--status partial": "",
	} {
		for _, output := range []format{asTable, asJSON} {
			var f eventFlags
			set := pflag.NewFlagSet("events", pflag.ContinueOnError)
			f.add(set)
			if err := set.Parse(strings.Fields(args)); err != nil {
				t.Fatal(err)
			}
			f.output = output
			if err := f.check(now); err != nil {
				t.Errorf("%s: got %v", args, err)
			}
			var out strings.Builder
			p := eventPrinter{eventFlags: &f, out: &out, errs: io.Discard}
			var err error
			for _, e := range told(t, now.Add(-270*time.Second)) {
				if err = p.take(e); err != nil {
					break
				}
			}
			if err = p.end(err); err != nil {
				t.Errorf("%s: got %v", args, err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if output == asTable && want != "" && !f.noHeaders {
				if strings.Join(strings.Fields(lines[0]), " ") != "TIME STATUS REQUEST PURGED REASON" {
					t.Errorf("%s: got %q, want the names of the columns", args, lines[0])
				}
				lines = lines[1:]
			}
			if got := strings.Join(regexp.MustCompile(`\br\d\b`).FindAllString(uniq(lines), -1), " "); got != want {
				t.Errorf("%s -o %s: got %s, want %s", args, output, got, want)
			}
		}
	}
}

// uniq keeps the first name of a request in each line.
func uniq(lines []string) string {
	var all []string
	for _, line := range lines {
		all = append(all, regexp.MustCompile(`\br\d\b`).FindString(line))
	}
	return strings.Join(all, " ")
}
