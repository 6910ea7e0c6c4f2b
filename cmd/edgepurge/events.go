package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/broker"
)

func newEvents() *cobra.Command {
	var f eventFlags
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Print how requests ended, one event a line",
		Long: `Print the events that are stored, one a line, oldest first: when, status,
SOURCE/ID, targets purged of all, and the reason, below a line with the names of
the columns. With -o json each line is the event as it is, in CloudEvents 1.0.`,
		Example: `  edgepurge events --source ghost
  edgepurge events --since 1h --status failed,partial --limit 20
  edgepurge events -f -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(time.Now()); err != nil {
				return err
			}
			p := &eventPrinter{eventFlags: &f, out: cmd.OutOrStdout(), errs: cmd.ErrOrStderr()}
			return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
				defer p.quiet()()
				if f.source == "" {
					return p.end(allEvents(ctx, b, f.follow, p.take))
				}
				return asProducer(ctx, b, client.Config{Source: f.source}, func(c *client.Client) error {
					return p.end(eventsOf(ctx, c, f.follow, p.take))
				})
			})
		},
	}
	f.add(cmd.Flags())
	addOutput(cmd, &f.output)
	complete(cmd, "status", "completed", "partial", "failed", "rejected", "expired")
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
	err := b.Events.Read(ctx, "", what, nil, func(e broker.Event) bool {
		failed = each(e)
		return failed == nil
	})
	if errors.Is(err, client.ErrDenied) {
		err = fmt.Errorf("%w; a producer may read the events of its source alone: give --source", err)
	}
	return cmp.Or(failed, err)
}
