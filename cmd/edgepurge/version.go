package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/app"
)

func newVersion() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Print the version: of the tag, or of the commit it was built from. With -o json
also the commit, its time, whether files differed from it, and the Go release;
what the build does not tell is left out.`,
		Example: "  edgepurge version -o json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := app.ReadBuild()
			if output == asJSON {
				return printJSON(cmd.OutOrStdout(), struct {
					Version  string    `json:"version"`
					Go       string    `json:"go"`
					Revision string    `json:"revision,omitempty"`
					Time     time.Time `json:"time,omitzero"`
					Modified bool      `json:"modified,omitempty"`
				}{b.Version, b.Go, b.Revision, b.Time, b.Modified})
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "edgepurge "+b.Version)
			return err
		},
	}
	addOutput(cmd, &output)
	return cmd
}
