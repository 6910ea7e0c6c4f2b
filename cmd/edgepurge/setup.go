package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/broker"
)

func newSetup() *cobra.Command {
	var dry bool
	var output format
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Create or update the streams",
		Long: `Create the streams and consumers that are missing, update those that differ from
what edgepurge needs, and print what was done. run creates what is missing by
itself, but never changes what is there.`,
		Example: `  edgepurge setup --dry-run
  edgepurge setup -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
				return setUp(ctx, cmd, b, dry, output)
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what differs")
	addOutput(cmd, &output)
	return cmd
}

func setUp(ctx context.Context, cmd *cobra.Command, b *broker.Broker, dry bool, output format) error {
	changes, err := b.Streams.Diff(ctx)
	if err != nil {
		return err
	}
	if !dry {
		if err := b.Streams.Provision(ctx, true); err != nil {
			return err
		}
	}
	if output == asTable {
		for _, c := range changes {
			text := c.String()
			if !dry {
				text = c.Done()
			}
			_, _ = fmt.Fprintln(cmd.OutOrStdout(), text)
		}
	}
	if output == asJSON {
		return printJSON(cmd.OutOrStdout(), struct {
			Changes []broker.Change `json:"changes"`
			DryRun  bool            `json:"dry_run"`
		}{append([]broker.Change{}, changes...), dry})
	}
	return report(cmd, changes, dry)
}

func report(cmd *cobra.Command, changes []broker.Change, dry bool) error {
	created := 0
	for _, c := range changes {
		if c.Field == "" {
			created++
		}
	}
	var parts []string
	if created > 0 {
		parts = append(parts, fmt.Sprintf("%d created", created))
	}
	if changed := len(changes) - created; changed > 0 {
		parts = append(parts, fmt.Sprintf("%d changed", changed))
	}
	text := strings.Join(parts, ", ")
	switch {
	case len(changes) == 0:
		text = "everything is as it should be"
	case dry:
		text = count(len(changes), "difference") + ", nothing was changed"
	}
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), text)
	return err
}
