package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

// laneState is what pause and resume print of a lane.
type laneState struct {
	Lane   purge.Lane `json:"lane"`
	Paused bool       `json:"paused"`
	Since  time.Time  `json:"since,omitzero"`

	text string
}

func newPause() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "pause [LANE]",
		Short: "Stop sending a lane, on all workers, until it is resumed",
		Long: `Stop pulling and sending requests of a lane, or of both, on all workers. The
pause is stored: it outlasts restarts. Requests stay in the stream, and what was
submitted is followed to its end.`,
		Example:           "  edgepurge pause bulk",
		Args:              lanes,
		ValidArgsFunction: cobra.FixedCompletions([]string{string(purge.Interactive), string(purge.Bulk)}, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachLane(cmd, args, output, func(ctx context.Context, b *broker.Broker, lane purge.Lane) (laneState, error) {
				since, err := b.Control.Pause(ctx, lane)
				return laneState{lane, true, since.UTC(), "paused since " + stamp(since)}, err
			})
		},
	}
	addOutput(cmd, &output)
	return cmd
}

func newResume() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:               "resume [LANE]",
		Short:             "Let a paused lane go on",
		Example:           "  edgepurge resume",
		Args:              lanes,
		ValidArgsFunction: cobra.FixedCompletions([]string{string(purge.Interactive), string(purge.Bulk)}, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachLane(cmd, args, output, func(ctx context.Context, b *broker.Broker, lane purge.Lane) (laneState, error) {
				was, err := b.Control.Resume(ctx, lane)
				text := "goes on"
				if !was {
					text = "was not paused"
				}
				return laneState{Lane: lane, text: text}, err
			})
		},
	}
	addOutput(cmd, &output)
	return cmd
}

// lanes accepts at most the name of one lane.
func lanes(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("%s takes one lane at most, got %d; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
	}
	if len(args) == 1 && args[0] != string(purge.Interactive) && args[0] != string(purge.Bulk) {
		return usage("no such lane: %q; use interactive or bulk", args[0])
	}
	return nil
}

// eachLane acts on the lane that is named, or on both.
func eachLane(cmd *cobra.Command, args []string, output format, act func(context.Context, *broker.Broker, purge.Lane) (laneState, error)) error {
	named := []purge.Lane{purge.Interactive, purge.Bulk}
	if len(args) == 1 {
		named = []purge.Lane{purge.Lane(args[0])}
	}
	return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
		for _, lane := range named {
			state, err := act(ctx, b, lane)
			if err != nil {
				return err
			}
			if output == asJSON {
				err = printJSON(cmd.OutOrStdout(), state)
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", lane, state.text)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
