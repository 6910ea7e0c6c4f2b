package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

func newEvents() *cobra.Command {
	var follow bool
	var source, format string
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Print how requests ended, one event a line",
		Example: `  edgepurge events --source ghost
  edgepurge events --follow -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if source != "" && !purge.ValidSource(source) {
				return usage("--source %q: a source is 1 to 32 of a-z 0-9 _ -", source)
			}
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			b, err := connect(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer b.Close()
			what := broker.ReadStored
			if follow {
				what = broker.ReadAll
			}
			return b.Events(cmd.Context(), source, what, nil, func(e broker.Event) bool {
				return printEvent(cmd, format, e) == nil
			})
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with what comes")
	cmd.Flags().StringVar(&source, "source", "", "only of this source")
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

func checkFormat(format string) error {
	if format != "table" && format != "json" {
		return usage("-o %q: use table or json", format)
	}
	return nil
}

func printEvent(cmd *cobra.Command, format string, e broker.Event) error {
	out := cmd.OutOrStdout()
	if format == "json" {
		_, err := fmt.Fprintf(out, "%s\n", e.Data)
		return err
	}
	var event purge.Event
	if err := json.Unmarshal(e.Data, &event); err != nil {
		return err
	}
	o := event.Data
	line := fmt.Sprintf("%s  %-9s  %s/%s  %d/%d", event.Time.Format("2006-01-02T15:04:05.000Z07:00"), o.Status, o.Source, o.Request, o.Targets.Succeeded, o.Targets.Total)
	if o.Reason != nil {
		line += "  " + o.Reason.Error()
	}
	_, err := fmt.Fprintln(out, line)
	return err
}
