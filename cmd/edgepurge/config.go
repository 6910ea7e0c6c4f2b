package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check or print the configuration",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command %q; use config check or config print", args[0])
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "check",
		Short: "Tell all that is wrong with the configuration, at once",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := cmd.Flags().GetString("config")
			if err != nil {
				return usage("%w", err)
			}
			_, warnings, err := config.Load(path, os.Environ())
			for _, w := range warnings { // unknown variables are errors here
				_, _ = fmt.Fprintln(cmd.ErrOrStderr(), w)
			}
			if err != nil {
				return exit{exitUsage, fmt.Errorf("configuration can't be used:\n%w", err)}
			}
			if len(warnings) > 0 {
				return usage("configuration has unknown variables")
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ok")
			return err
		},
	}, &cobra.Command{
		Use:   "print",
		Short: "Print the configuration in force, secrets masked",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			return cfg.Print(cmd.OutOrStdout())
		},
	})
	return cmd
}
