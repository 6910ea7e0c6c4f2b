package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nuid"
	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/summary"
	"github.com/edgepurge/edgepurge/purge"
)

// submitFlags are submit's flags as given.
type submitFlags struct {
	zone, typ, method, lane, source, id string
	files                               []string
	wait, yes                           bool
	timeout                             time.Duration
	output                              format
}

func newSubmit() *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "submit [TARGET…]",
		Short: "Ask for purges, one request a target",
		Long: `Ask for purges, one request a target. The ids are NAME- and 16 hex digits that
follow from type, zone, method and target, so the same --id again does only what
is missing. With --wait it reports how all of them ended. The types host and all
purge more than a page: they ask for confirmation on a terminal, and need --yes
elsewhere.

A file has one target a line. Blanks around a line are dropped; blank lines and
lines that begin with # are skipped; equal lines are one request. Every other
line is published, and ends as rejected where it is not valid. A file that is no
list (compressed, XML, or a first line with a tab, a second URL, or column names)
is refused before anything is sent. A comma is part of a URL.`,
		Example: `  edgepurge submit https://www.example.com/blog/hello/ --wait
  edgepurge submit --file urls.txt --id release-42 --wait
  edgepurge submit --file blog.txt --file shop.txt
  edgepurge submit --type host www.example.com --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.order(cmd, args)
			if err != nil {
				return err
			}
			printed := false
			err = withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
				as := client.Config{Source: o.source, Lane: o.lane, Unchecked: true}
				return asProducer(ctx, b, as, func(c *client.Client) error {
					if !f.wait {
						return f.publish(cmd, c, o)
					}
					printed = true
					return f.await(cmd, b, c, o)
				})
			})
			if f.wait && f.output == asJSON && !printed { // the last line is an object whatever happens
				err = errors.Join(err, f.print(cmd, newResult(o)))
			}
			return err
		},
	}
	s := cmd.Flags()
	s.StringVar(&f.zone, "zone", "", "EdgeOne zone id; may be left out where the host tells it")
	s.StringVar(&f.typ, "type", "url", "url, prefix, host, tag or all")
	s.StringVar(&f.method, "method", "", "invalidate or delete, for prefix, host and all")
	s.StringVar(&f.lane, "lane", "", "interactive or bulk; defaults to interactive for targets, bulk for --file")
	s.StringVar(&f.source, "source", "cli", "who asks")
	s.StringArrayVar(&f.files, "file", nil, "file with one target a line, - for standard input (repeatable)")
	s.StringVar(&f.id, "id", "", "name that the ids begin with")
	s.BoolVar(&f.yes, "yes", false, "do not ask before a purge of type host or all")
	s.BoolVar(&f.wait, "wait", false, "wait until every request has ended")
	s.DurationVar(&f.timeout, "timeout", 0, "with --wait: give up after this time; 0: never")
	addOutput(cmd, &f.output)
	complete(cmd, "type", "url", "prefix", "host", "tag", "all")
	complete(cmd, "method", "invalidate", "delete")
	complete(cmd, "lane", "interactive", "bulk")
	return cmd
}

// order checks the flags and reads the targets.
func (f *submitFlags) order(cmd *cobra.Command, args []string) (*order, error) {
	o := &order{name: f.id, source: f.source, lane: purge.Lane(f.lane), zone: f.zone, targets: slices.Clone(args)}
	if f.id == "" && cmd.Flags().Changed("id") {
		return nil, usage("--id is empty: give a name, or leave --id out for a new one; is a variable of the shell not set?")
	}
	if err := f.check(o, args); err != nil {
		return nil, err
	}
	hintAtFiles(cmd.ErrOrStderr(), o.typ, args)
	if len(f.files) > 0 {
		var err error
		if o.targets, err = readFiles(cmd.InOrStdin(), f.files, o.typ); err != nil {
			return nil, err
		}
	}
	if o.lane == "" {
		o.lane = purge.Interactive
		if len(f.files) > 0 {
			o.lane = purge.Bulk
		}
	}
	ask := question{
		typ: o.typ, what: o.targets, yes: f.yes, in: cmd.InOrStdin(), out: cmd.ErrOrStderr(),
		terminal: !slices.Contains(f.files, "-") && isTerminal(cmd.InOrStdin()),
	}
	if o.typ == purge.All {
		o.targets, ask.what = []string{""}, []string{f.zone}
	}
	if err := ask.ask(); err != nil {
		return nil, err
	}
	o.once()
	if o.name == "" {
		o.name = "cli-" + nuid.Next()
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "--id %s (give it again to do only what is missing)\n", o.name)
	}
	return o, nil
}

func (f *submitFlags) check(o *order, args []string) error {
	types := map[string]purge.Type{
		"url": purge.URL, "prefix": purge.Prefix, "host": purge.Host, "tag": purge.Tag, "all": purge.All,
		"purge_url": purge.URL, "purge_prefix": purge.Prefix, "purge_host": purge.Host, "purge_cache_tag": purge.Tag, "purge_all": purge.All,
	}
	typ, ok := types[f.typ]
	o.typ, o.method = typ, purge.Method(f.method)
	methods := typ == purge.Prefix || typ == purge.Host || typ == purge.All
	switch {
	case !ok:
		return usage("--type %q: use url, prefix, host, tag or all", f.typ)
	case f.method != "" && o.method != purge.Invalidate && o.method != purge.Delete:
		return usage("--method %q: use invalidate or delete", f.method)
	case f.method != "" && !methods:
		return usage("--method goes with the types prefix, host and all, not %s", typ)
	case f.lane != "" && o.lane != purge.Interactive && o.lane != purge.Bulk:
		return usage("--lane %q: use interactive or bulk", f.lane)
	case !purge.ValidSource(f.source):
		return usage("--source %q: a source is 1 to 32 of a-z 0-9 _ -", f.source)
	case f.zone != "" && !purge.ValidZone(f.zone):
		return usage("--zone %q: a zone id is zone- and letters, digits", f.zone)
	case f.id != "" && (len(f.id) > maxName || !purge.ValidID(f.id)):
		return usage("--id %q: a name is 1 to %d of A-Z a-z 0-9 _ -, not beginning with _", f.id, maxName)
	case typ == purge.All && f.zone == "":
		return usage("--type all needs --zone")
	case typ == purge.All && (len(args) > 0 || len(f.files) > 0):
		return usage("--type all takes no targets")
	case len(args) > 0 && len(f.files) > 0:
		return usage("give targets or --file, not both")
	case typ != purge.All && len(args) == 0 && len(f.files) == 0:
		return usage("nothing to purge: give targets or --file; see edgepurge submit --help")
	case slices.ContainsFunc(args, func(t string) bool { return strings.Trim(t, blanks) == "" }):
		return usage("a target is empty; is a variable of the shell not set?")
	case slices.ContainsFunc(args, func(t string) bool { return !utf8.ValidString(t) }):
		return usage("a target is not UTF-8: set the terminal to UTF-8, or percent-encode the characters beyond ASCII; nothing was sent")
	case f.timeout < 0, f.timeout > 0 && !f.wait:
		return usage("--timeout %s: it goes with --wait, and must be positive", f.timeout)
	}
	return nil
}

// stallAfter is how long submit waits for the broker to store the next request before it gives up: long enough for the
// restart of a server, or the election of a leader.
const stallAfter = 30 * time.Second

var errStalled = fmt.Errorf("nats has stored nothing for %s", stallAfter)

func (f *submitFlags) publish(cmd *cobra.Command, c *client.Client, o *order) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	stall := time.AfterFunc(stallAfter, func() { cancel(errStalled) })
	defer stall.Stop()
	out := bufio.NewWriter(cmd.OutOrStdout())
	stored, failed := 0, error(nil)
	for id, err := range c.PurgeMany(ctx, o.requests()) {
		if err != nil {
			failed = err
			break
		}
		stall.Reset(stallAfter)
		if failed = f.printStored(out, o, id, o.targets[stored]); failed != nil {
			break
		}
		stored++
	}
	failed = errors.Join(failed, out.Flush())
	switch {
	case failed == nil:
		return nil
	case cmd.Context().Err() != nil:
		return exit{exitInterrupted, fmt.Errorf("interrupted: submitted at least %d of %d requests; %s",
			stored, len(o.targets), again(o))}
	}
	return fmt.Errorf("submitted at least %d of %d requests; the same command with --id %s submits the rest: %w",
		stored, len(o.targets), o.name, failed)
}

// printStored prints a request that the broker has stored.
func (f *submitFlags) printStored(out *bufio.Writer, o *order, id, target string) error {
	if f.output == asJSON {
		return printJSON(out, struct {
			ID     string     `json:"id"`
			Source string     `json:"source"`
			Lane   purge.Lane `json:"lane"`
			Type   purge.Type `json:"type"`
			Zone   string     `json:"zone,omitempty"`
			Target string     `json:"target,omitempty"`
		}{id, o.source, o.lane, o.typ, o.zone, target})
	}
	_, err := fmt.Fprintln(out, id)
	return err
}

// errTimeout is the cause of an end by --timeout.
var errTimeout = errors.New("timeout")

// result is what became of an order that was waited for.
type result struct {
	*summary.Tally
	before  int // of those, the ends that were stored before anything was published
	jobs    map[string]bool
	seconds float64
}

func newResult(o *order) *result {
	return &result{Tally: summary.New(len(o.targets)), jobs: make(map[string]bool)}
}

func (f *submitFlags) await(cmd *cobra.Command, b *broker.Broker, c *client.Client, o *order) error {
	ctx := cmd.Context()
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.timeout, errTimeout)
		defer cancel()
	}
	res, bar, start := newResult(o), newProgress(cmd.ErrOrStderr(), len(o.targets)), time.Now()
	blind := func(err error) {
		bar.say(fmt.Sprintf("warning: requests that ended before can't be seen, and count as pending: %v", err))
	}
	stop := notices(cmd, b, o.lane, bar.say)
	var err error
	many := client.Many{Requests: o.requests(), New: f.id == "", Blind: blind}
	for e, failed := range c.PurgeManyAndWait(ctx, many) {
		if err = failed; !f.count(bar, res, o, e, failed) {
			break
		}
		err = nil
		bar.set(res.Ended(), res.Requests)
	}
	stop()
	bar.end()
	res.seconds = float64(time.Since(start).Milliseconds()) / 1000
	if err := f.print(cmd, res); err != nil {
		return err
	}
	switch {
	case errors.Is(err, errTimeout):
		return exit{exitTimeout, fmt.Errorf("%d of %d requests had not ended after %s; %s", res.Pending, res.Requests, f.timeout, again(o))}
	case cmd.Context().Err() != nil:
		return exit{exitInterrupted, fmt.Errorf("interrupted: %d of %d requests had not ended; %s", res.Pending, res.Requests, again(o))}
	case err != nil:
		return err
	}
	return ends(res.Completed, res.Requests)
}

// count takes in an end, or the error of one request. It is false with an error that ends the wait.
func (f *submitFlags) count(bar *progress, res *result, o *order, e client.End, err error) bool {
	reason, refused := errors.AsType[*purge.Reason](err)
	switch {
	case errors.Is(err, client.ErrIDReused): // the id follows from the target: only its digest is of another version
	case errors.Is(err, client.ErrTooLarge):
		e.Status, e.Reason = purge.Rejected, &purge.Reason{Code: purge.CodeTooLarge, Message: err.Error()}
	case refused:
		e.Status, e.Reason = purge.Rejected, reason
	case err != nil:
		return false
	}
	for _, j := range e.Jobs {
		res.jobs[j] = true
	}
	if e.Before {
		res.before++
	}
	if e.Status == purge.Completed {
		res.Complete()
		return true
	}
	target := ""
	if len(res.Failures) < summary.MaxFailures {
		target = o.target(e.Request)
	}
	if failure, first := res.Fail(target, e.Outcome); first && f.output == asTable {
		bar.say(failure.String())
	}
	return true
}

// again says how to go on with an order that was left.
func again(o *order) string {
	return fmt.Sprintf("what is submitted goes on; the same command with --id %s does what is missing, and waits for the rest", o.name)
}

func (f *submitFlags) print(cmd *cobra.Command, res *result) error {
	out := cmd.OutOrStdout()
	if f.output == asJSON {
		return printJSON(out, struct {
			summary.Counts
			Jobs     int               `json:"jobs"`
			Seconds  float64           `json:"seconds"`
			Failures []summary.Failure `json:"failures"`
		}{res.Counts, len(res.jobs), res.seconds, res.Failures})
	}
	more := ""
	if res.Pending > 0 {
		more = fmt.Sprintf(", %d pending", res.Pending)
	}
	more += fmt.Sprintf(", in %s, %.1f s", count(len(res.jobs), "job"), res.seconds)
	if res.before > 0 {
		more += fmt.Sprintf("; %d had ended before", res.before)
	}
	if n := res.Failed - len(res.Failures); n > 0 {
		more += fmt.Sprintf("; %s not listed", count(n, "failure"))
	}
	_, err := fmt.Fprintf(out, "%s: %d completed, %d failed%s\n", count(res.Requests, "request"), res.Completed, res.Failed, more)
	return err
}
