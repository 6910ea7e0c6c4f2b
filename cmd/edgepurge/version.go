package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/app"
)

func newVersion() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  edgepurge version -o json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output == asJSON {
				return printJSON(cmd.OutOrStdout(), struct {
					Version string `json:"version"`
					Go      string `json:"go"`
				}{app.Version(), runtime.Version()})
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "edgepurge "+app.Version())
			return err
		},
	}
	addOutput(cmd, &output)
	return cmd
}
