package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/summary"
	"github.com/edgepurge/edgepurge/purge"
)

func newStatus() *cobra.Command {
	var output format
	var key record.Key
	cmd := &cobra.Command{
		Use:   "status [SOURCE/]ID",
		Short: "Tell how a request ended, or how far it is",
		Long: `Tell how a request ended: the data of its event. One that has not ended is
waiting (its message is still in the stream, though some of its targets may be
submitted), parked (until its zone can be purged again), submitted (EdgeOne
works on all of its targets) or unknown (exit code 1). SOURCE defaults to cli, and
ID is what submit prints: for submit --id NAME that is NAME- and 16 hex digits. A
request that waits is looked for message by message, which takes long in a long
backlog. A producer's rights show the event alone: without one the status is
not-shown (exit code 1).`,
		Example: `  edgepurge status release-42-0c1f2d3e4b5a6978
  edgepurge status ghost/post-4711-r3 -o json`,
		Args: func(cmd *cobra.Command, args []string) (err error) {
			key, err = requestArg(cmd, args)
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
				stage, o, err := stageOf(ctx, b, key)
				if errors.Is(err, client.ErrDenied) {
					return printNotShown(cmd, output, key, err)
				}
				if err != nil {
					return err
				}
				return printStage(cmd.OutOrStdout(), output, key, stage, o)
			})
		},
	}
	addOutput(cmd, &output)
	return cmd
}

// stageOf asks for the event with the rights of a producer, and for all else with those of an operator.
func stageOf(ctx context.Context, b *broker.Broker, k record.Key) (stage broker.Stage, o purge.Outcome, err error) {
	_ = asProducer(ctx, b, client.Config{Source: k.Source}, func(c *client.Client) error {
		o, err = c.Status(ctx, k.ID)
		return nil
	})
	if err == nil {
		return broker.StageEnded, o, nil
	}
	if !errors.Is(err, client.ErrNoEvent) && !errors.Is(err, client.ErrDenied) {
		return broker.StageUnknown, o, err
	}
	first := err
	if stage, o, err = b.Stages.Of(ctx, k); errors.Is(err, client.ErrDenied) {
		if errors.Is(first, client.ErrDenied) {
			return stage, o, first // the right that a producer lacks
		}
		return stage, o, fmt.Errorf("%w; %w", errNoEvent, err)
	}
	return stage, o, err
}

// errNoEvent is what a producer may know of a request that it can't see otherwise.
var errNoEvent = errors.New("it has no event: it has not ended, or was never asked for, or its event is not kept any more")

// stageNotShown is the status of a request whose stage the user's rights do not show.
const stageNotShown broker.Stage = "not-shown"

// printNotShown says what the rights of this user do not show, which is not the same as unknown.
func printNotShown(cmd *cobra.Command, output format, k record.Key, err error) error {
	why := "this user may not look up how far a request is"
	if errors.Is(err, errNoEvent) {
		why = errNoEvent.Error() + "; the rights of this user do not show which"
	}
	var failed error
	if output == asJSON {
		failed = printJSON(cmd.OutOrStdout(), struct {
			Request string       `json:"request"`
			Source  string       `json:"source"`
			Status  broker.Stage `json:"status"`
			Reason  string       `json:"reason"`
		}{k.ID, k.Source, stageNotShown, why})
	} else {
		_, failed = fmt.Fprintln(cmd.OutOrStdout(), stageNotShown)
	}
	if failed != nil || !errors.Is(err, errNoEvent) {
		return errors.Join(failed, err)
	}
	return exit{exitNone, fmt.Errorf("%s: %s", k, why)}
}

// requestArg reads the one argument that names a request.
func requestArg(cmd *cobra.Command, args []string) (record.Key, error) {
	if len(args) != 1 {
		return record.Key{}, usage("%s takes one [SOURCE/]ID, got %d; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
	}
	if strings.Contains(args[0], "://") {
		return record.Key{}, usage("%q is a URL; status takes the id of a request, as submit prints it; "+
			"`edgepurge events --source cli` lists those that have ended", short(args[0]))
	}
	k := record.Key{Source: "cli", ID: args[0]}
	if source, id, ok := strings.Cut(args[0], "/"); ok {
		k = record.Key{Source: source, ID: id}
	}
	if !purge.ValidSource(k.Source) {
		return k, usage("%q: a source is 1 to 32 of a-z 0-9 _ -", short(args[0]))
	}
	// Ids that edgepurge makes begin with _.
	if len(k.ID) > 64 || !purge.ValidID(strings.TrimLeft(k.ID, "_")) {
		return k, usage("%q: an id is 1 to 64 of A-Z a-z 0-9 _ -", short(args[0]))
	}
	return k, nil
}

func printStage(out io.Writer, output format, k record.Key, stage broker.Stage, o purge.Outcome) error {
	var err error
	switch {
	case stage == broker.StageEnded && output == asJSON:
		return printJSON(out, o)
	case stage == broker.StageEnded:
		return printOutcome(out, o)
	case output == asJSON:
		err = printJSON(out, struct {
			Request string       `json:"request"`
			Source  string       `json:"source"`
			Status  broker.Stage `json:"status"`
		}{k.ID, k.Source, stage})
	default:
		_, err = fmt.Fprintln(out, stage)
	}
	if err == nil && stage == broker.StageUnknown {
		return exit{exitNone, errors.New(notKnown(k))}
	}
	return err
}

// orderID is the form of the ids that submit makes.
var orderID = regexp.MustCompile(`-[0-9a-f]{16}$`)

// notKnown says what an id without a request may mean.
func notKnown(k record.Key) string {
	text := k.String() + " is not known: no such request waits, and no event of it is kept; submit prints the ids"
	if orderID.MatchString(k.ID) || !purge.ValidID(k.ID) || len(k.ID) > maxName {
		return text
	}
	return fmt.Sprintf("%s, which for --id %s are %s- and 16 hex digits; see edgepurge events --source %s", text, k.ID, k.ID, k.Source)
}

func printOutcome(out io.Writer, o purge.Outcome) error {
	t := newTable(out)
	line := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	line("status", string(o.Status))
	line("request", o.Source+"/"+o.Request)
	line("lane", string(o.Lane))
	line("type", string(o.Type))
	line("zones", strings.Join(o.Zones, " "))
	if o.Targets.Total > 0 { // there is none where the message could not be read
		line("targets", fmt.Sprintf("%d of %d purged", o.Targets.Succeeded, o.Targets.Total))
	}
	if o.Reason != nil {
		line("reason", o.Reason.Error())
	}
	line("jobs", strings.Join(o.Jobs, " "))
	line("attempts", strconv.Itoa(o.Attempts))
	line("received", stamp(o.Times.Received))
	line("submitted", stamp(o.Times.Submitted))
	line("finished", stamp(o.Times.Finished))
	for _, name := range slices.Sorted(maps.Keys(o.Labels)) {
		line("label", name+"="+o.Labels[name])
	}
	for _, f := range o.Failures {
		line("failure", summary.Clip(f.Target)+": "+(&purge.Reason{Code: f.Code, Message: f.Reason}).Error())
	}
	if o.FailuresOmitted > 0 {
		line("failure", fmt.Sprintf("and %d more", o.FailuresOmitted))
	}
	return t.flush()
}
