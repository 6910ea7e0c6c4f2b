package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check or print the configuration",
		Example: `  edgepurge config check --online
  edgepurge config print`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	cmd.AddCommand(newConfigCheck(), newConfigPrint())
	return cmd
}

func newConfigCheck() *cobra.Command {
	var online bool
	var output format
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell all that is wrong with the configuration, at once",
		Long: `Tell all that is wrong with the configuration, at once (exit code 2). An unknown
EDGEPURGE_ variable is an error here, and so is what keeps run from ever working
and can be seen on this machine: a NATS context or a file that is missing or
holds something else, no credentials for EdgeOne. With --online it also looks,
for at most ` + onlineWait.String() + `, whether NATS answers and its streams are as they should
be, and which zones and quotas the credentials see; exit code 1 when something
is refused or away. It changes nothing.`,
		Example: `  edgepurge config check
  edgepurge config check --online --config edgepurge.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := checkConfig(cmd)
			if err != nil && output == asJSON {
				return errors.Join(err, printFindings(cmd.OutOrStdout(), output, []finding{{"configuration", false, err.Error()}}))
			}
			if err != nil {
				return err
			}
			if online {
				return checkOnline(cmd, cfg, output)
			}
			if output == asJSON {
				return printFindings(cmd.OutOrStdout(), output, []finding{{"configuration", true, ""}})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ok")
			return err
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "also look at NATS and at EdgeOne")
	addOutput(cmd, &output)
	return cmd
}

// checkConfig reports all that is wrong at once: with the values, with variables that nobody reads, and with what the
// values name on this machine.
func checkConfig(cmd *cobra.Command) (config.Config, error) {
	cfg, warnings, err := loadConfig(cmd)
	if err == nil {
		err = app.Check(cfg)
	}
	var all []string
	for _, w := range warnings {
		all = append(all, strings.Replace(w, ", ignored", "", 1)) // here it is an error
	}
	if err != nil {
		all = append(all, err.Error())
	}
	if len(all) > 0 {
		return cfg, unusable(strings.Join(all, "\n"))
	}
	return cfg, nil
}

func newConfigPrint() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print the configuration in force, secrets masked",
		Long: `Print the configuration in force, secrets masked: as the YAML that a file has, or
with -o json as the same keys in JSON.`,
		Example: `  edgepurge config print > edgepurge.yaml
  edgepurge config print -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			if output == asJSON {
				return printConfigJSON(cmd.OutOrStdout(), cfg)
			}
			return cfg.Print(cmd.OutOrStdout())
		},
	}
	addOutput(cmd, &output)
	return cmd
}

func printConfigJSON(out io.Writer, cfg config.Config) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(keysOf(reflect.ValueOf(cfg)))
}

// keysOf gives a section by the keys of the file. Secrets mask themselves when they are encoded (I6).
func keysOf(section reflect.Value) map[string]any {
	keys := make(map[string]any, section.NumField())
	for i := range section.NumField() {
		name, value := section.Type().Field(i).Tag.Get("yaml"), section.Field(i)
		d, isDuration := reflect.TypeAssert[time.Duration](value)
		switch {
		case isDuration:
			keys[name] = d.String()
		case value.Kind() == reflect.Struct:
			keys[name] = keysOf(value)
		default:
			keys[name] = value.Interface()
		}
	}
	return keys
}
