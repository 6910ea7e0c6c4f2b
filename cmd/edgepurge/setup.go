package main

import (
	"context"
	"fmt"

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
what edgepurge needs, and print each difference. run creates what is missing by
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
	changes, err := b.Diff(ctx)
	if err != nil {
		return err
	}
	if output == asTable {
		for _, c := range changes {
			_, _ = fmt.Fprintln(cmd.OutOrStdout(), c)
		}
	}
	if !dry {
		if err := b.Provision(ctx, true); err != nil {
			return err
		}
	}
	if output == asJSON {
		return printJSON(cmd.OutOrStdout(), struct {
			Changes []broker.Change `json:"changes"`
			DryRun  bool            `json:"dry_run"`
		}{append([]broker.Change{}, changes...), dry})
	}
	return report(cmd, len(changes), dry)
}

func report(cmd *cobra.Command, changes int, dry bool) error {
	text := "everything is as it should be"
	switch {
	case changes > 0 && dry:
		text = count(changes, "difference") + ", nothing was changed"
	case changes > 0:
		text = count(changes, "difference") + " mended"
	}
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), text)
	return err
}
