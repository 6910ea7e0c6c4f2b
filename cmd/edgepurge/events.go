package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

func newEvents() *cobra.Command {
	var follow bool
	var source string
	var output format
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Print how requests ended, one event a line",
		Long: `Print the events that are stored, one a line, oldest first: when, status,
SOURCE/ID, targets purged of all, and the reason. With -o json each line is the
event as it is, in CloudEvents 1.0.`,
		Example: `  edgepurge events --source ghost
  edgepurge events --follow -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if source != "" && !purge.ValidSource(source) {
				return usage("--source %q: a source is 1 to 32 of a-z 0-9 _ -", source)
			}
			what := broker.ReadStored
			if follow {
				what = broker.ReadAll
			}
			return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
				var failed error
				err := b.Events(ctx, source, what, nil, func(e broker.Event) bool {
					failed = printEvent(cmd.OutOrStdout(), output, e)
					return failed == nil
				})
				return cmp.Or(failed, err)
			})
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with what comes")
	cmd.Flags().StringVar(&source, "source", "", "only of this source")
	addOutput(cmd, &output)
	return cmd
}

func printEvent(out io.Writer, output format, e broker.Event) error {
	if output == asJSON {
		_, err := fmt.Fprintf(out, "%s\n", e.Data)
		return err
	}
	var event purge.Event
	if err := json.Unmarshal(e.Data, &event); err != nil {
		// Of a newer edgepurge: its subject tells the most of it all the same.
		event.Data = purge.Outcome{Source: e.Source, Request: e.ID, Status: e.Status}
	}
	o := event.Data
	line := fmt.Sprintf("%s  %-9s  %s/%s  %d/%d", stamp(event.Time), o.Status, o.Source, o.Request, o.Targets.Succeeded, o.Targets.Total)
	if o.Reason != nil {
		line += "  " + o.Reason.Error()
	}
	_, err := fmt.Fprintln(out, plain(line))
	return err
}
