package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/client"
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
			return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
				each := func(e broker.Event) error { return printEvent(cmd.OutOrStdout(), output, e) }
				if source == "" {
					return allEvents(ctx, b, follow, each)
				}
				return asProducer(ctx, b, client.Config{Source: source}, func(c *client.Client) error {
					return eventsOf(ctx, c, follow, each)
				})
			})
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with what comes")
	cmd.Flags().StringVar(&source, "source", "", "only of this source")
	addOutput(cmd, &output)
	return cmd
}

// eventsOf reads the events of one source, with the rights of a producer.
func eventsOf(ctx context.Context, c *client.Client, follow bool, each func(broker.Event) error) error {
	for e, err := range c.Events(ctx, client.From{Kept: !follow}) {
		if err != nil {
			return err
		}
		err = each(broker.Event{
			Sequence: e.Sequence, Data: e.Raw, Source: e.Data.Source, Status: e.Data.Status, ID: e.Data.Request,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// allEvents reads the events of all sources, which operators may.
func allEvents(ctx context.Context, b *broker.Broker, follow bool, each func(broker.Event) error) error {
	what := broker.ReadStored
	if follow {
		what = broker.ReadAll
	}
	var failed error
	err := b.Events(ctx, "", what, nil, func(e broker.Event) bool {
		failed = each(e)
		return failed == nil
	})
	if errors.Is(err, client.ErrDenied) {
		err = fmt.Errorf("%w; a producer may read the events of its source alone: give --source", err)
	}
	return cmp.Or(failed, err)
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
