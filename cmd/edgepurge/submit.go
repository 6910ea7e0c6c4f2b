package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nuid"
	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/submit"
	"github.com/edgepurge/edgepurge/purge"
)

// submitFlags are submit's flags as given.
type submitFlags struct {
	zone, typ, method, lane, source, file, id string
	wait                                      bool
	timeout                                   time.Duration
	output                                    format
}

func newSubmit() *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "submit [TARGET…]",
		Short: "Ask for purges, one request a target",
		Long: `Ask for purges, one request a target. The ids are NAME- and 16 hex digits that
follow from type, zone, method and target, so the same --id again does only what
is missing. With --wait it tells how all of them ended.`,
		Example: `  edgepurge submit https://www.example.com/blog/hello/ --wait
  edgepurge submit --file urls.txt --id release-42 --wait
  edgepurge submit --type host www.example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			order, err := f.order(cmd, args)
			if err != nil {
				return err
			}
			var told bool
			err = withBroker(cmd, func(_ context.Context, b *broker.Broker) error {
				if told = f.wait; told {
					return f.await(cmd, b, order)
				}
				return f.publish(cmd, b, order)
			})
			if f.wait && f.output == asJSON && !told { // the last line is an object whatever happens
				err = errors.Join(err, f.print(cmd, submit.Result{Requests: len(order.Requests())}))
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
	s.StringVar(&f.file, "file", "", "file with one target a line, - for standard input")
	s.StringVar(&f.id, "id", "", "name that the ids begin with")
	s.BoolVar(&f.wait, "wait", false, "wait until every request has ended")
	s.DurationVar(&f.timeout, "timeout", 0, "with --wait: give up after this time; 0: never")
	addOutput(cmd, &f.output)
	complete(cmd, "type", "url", "prefix", "host", "tag", "all")
	complete(cmd, "method", "invalidate", "delete")
	complete(cmd, "lane", "interactive", "bulk")
	return cmd
}

// order checks the flags and reads the targets.
func (f *submitFlags) order(cmd *cobra.Command, args []string) (*submit.Order, error) {
	o := &submit.Order{Name: f.id, Source: f.source, Lane: purge.Lane(f.lane), Zone: f.zone, Targets: args}
	if err := f.check(o, args); err != nil {
		return nil, err
	}
	if f.file != "" {
		var err error
		if o.Targets, err = readTargets(cmd.InOrStdin(), f.file); err != nil {
			return nil, err
		}
	}
	if o.Lane == "" {
		o.Lane = purge.Interactive
		if f.file != "" {
			o.Lane = purge.Bulk
		}
	}
	if o.Type == purge.All {
		o.Targets = []string{""}
	}
	if o.Name == "" {
		o.Name = "cli-" + nuid.Next()
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "--id %s (give it again to do only what is missing)\n", o.Name)
	}
	return o, nil
}

func (f *submitFlags) check(o *submit.Order, args []string) error {
	types := map[string]purge.Type{
		"url": purge.URL, "prefix": purge.Prefix, "host": purge.Host, "tag": purge.Tag, "all": purge.All,
		"purge_url": purge.URL, "purge_prefix": purge.Prefix, "purge_host": purge.Host, "purge_cache_tag": purge.Tag, "purge_all": purge.All,
	}
	typ, ok := types[f.typ]
	o.Type, o.Method = typ, purge.Method(f.method)
	methods := typ == purge.Prefix || typ == purge.Host || typ == purge.All
	switch {
	case !ok:
		return usage("--type %q: use url, prefix, host, tag or all", f.typ)
	case f.method != "" && o.Method != purge.Invalidate && o.Method != purge.Delete:
		return usage("--method %q: use invalidate or delete", f.method)
	case f.method != "" && !methods:
		return usage("--method goes with the types prefix, host and all, not %s", typ)
	case f.lane != "" && o.Lane != purge.Interactive && o.Lane != purge.Bulk:
		return usage("--lane %q: use interactive or bulk", f.lane)
	case !purge.ValidSource(f.source):
		return usage("--source %q: a source is 1 to 32 of a-z 0-9 _ -", f.source)
	case f.zone != "" && !purge.ValidZone(f.zone):
		return usage("--zone %q: a zone id is zone- and letters, digits", f.zone)
	case f.id != "" && (len(f.id) > submit.MaxName || !purge.ValidID(f.id)):
		return usage("--id %q: a name is 1 to %d of A-Z a-z 0-9 _ -, not beginning with _", f.id, submit.MaxName)
	case typ == purge.All && f.zone == "":
		return usage("--type all needs --zone")
	case typ == purge.All && (len(args) > 0 || f.file != ""):
		return usage("--type all takes no targets")
	case len(args) > 0 && f.file != "":
		return usage("give targets or --file, not both")
	case typ != purge.All && len(args) == 0 && f.file == "":
		return usage("nothing to purge: give targets or --file; see edgepurge submit --help")
	case f.timeout < 0, f.timeout > 0 && !f.wait:
		return usage("--timeout %s: it goes with --wait, and must be positive", f.timeout)
	}
	return nil
}

func (f *submitFlags) publish(cmd *cobra.Command, b *broker.Broker, order *submit.Order) error {
	requests := order.Requests()
	stored, err := submit.Publish(cmd.Context(), b, requests)
	switch {
	case cmd.Context().Err() != nil:
		return exit{exitInterrupted, fmt.Errorf("interrupted: submitted at least %d of %d requests; the same command with --id %s does what is missing",
			stored, len(requests), order.Name)}
	case err != nil:
		return fmt.Errorf("submitted %d of %d requests: %w", stored, len(requests), err)
	}
	for _, r := range requests {
		line := r.Request.ID
		if f.output == asJSON {
			line = fmt.Sprintf(`{"id":%q,"source":%q,"lane":%q}`, r.Request.ID, r.Source, r.Lane)
		}
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), line); err != nil {
			return err
		}
	}
	return nil
}

// errTimeout is the cause of an end by --timeout.
var errTimeout = errors.New("timeout")

func (f *submitFlags) await(cmd *cobra.Command, b *broker.Broker, order *submit.Order) error {
	ctx, requests := cmd.Context(), order.Requests()
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.timeout, errTimeout)
		defer cancel()
	}
	bar := newProgress(cmd.ErrOrStderr(), len(requests))
	ended := 0
	res, err := submit.Wait(ctx, b, requests, func(o purge.Outcome) {
		ended++
		bar.set(ended, len(requests))
		if o.Status != purge.Completed && f.output == asTable && len(requests) <= 100 {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s: %v\n", o.Request, o.Status, reasonOf(o))
		}
	})
	bar.end()
	if err := f.print(cmd, res); err != nil {
		return err
	}
	switch {
	case errors.Is(err, errTimeout):
		return exit{exitTimeout, fmt.Errorf("%d of %d requests had not ended after %s; %s", res.Requests-ended, res.Requests, f.timeout, again(order))}
	case cmd.Context().Err() != nil:
		return exit{exitInterrupted, fmt.Errorf("interrupted: %d of %d requests had not ended; %s", res.Requests-ended, res.Requests, again(order))}
	case err != nil:
		return err
	}
	return ends(res.Completed, res.Requests)
}

// again says how to go on with an order that was left.
func again(o *submit.Order) string {
	return fmt.Sprintf("what is submitted goes on; the same command with --id %s does what is missing, and waits for the rest", o.Name)
}

func reasonOf(o purge.Outcome) string {
	if o.Reason == nil {
		return "no reason is told"
	}
	return plain(o.Reason.Error())
}

func (f *submitFlags) print(cmd *cobra.Command, res submit.Result) error {
	out := cmd.OutOrStdout()
	if f.output == asJSON {
		return printJSON(out, struct {
			Requests  int     `json:"requests"`
			Completed int     `json:"completed"`
			Failed    int     `json:"failed"`
			Jobs      int     `json:"jobs"`
			Seconds   float64 `json:"seconds"`
		}{res.Requests, res.Completed, res.Requests - res.Completed, len(res.Jobs), res.Seconds}) // what has not ended did not complete
	}
	before := ""
	if res.Before > 0 {
		before = fmt.Sprintf("; %d had ended before", res.Before)
	}
	_, err := fmt.Fprintf(out, "%s: %d completed, %d failed, in %s, %.1f s%s\n",
		count(res.Requests, "request"), res.Completed, res.Failed, count(len(res.Jobs), "job"), res.Seconds, before)
	return err
}
