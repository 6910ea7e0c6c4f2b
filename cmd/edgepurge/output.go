package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// format is how a command prints data: for people, or as JSON for programs.
type format string

const (
	asTable format = "table"
	asJSON  format = "json"
)

func (f *format) String() string { return string(*f) }

// Type names the values in help texts.
func (f *format) Type() string { return "table|json" }

// Set refuses all but the two words, when the flags are parsed.
func (f *format) Set(s string) error {
	if s != string(asTable) && s != string(asJSON) {
		return errors.New("use table or json")
	}
	*f = format(s)
	return nil
}

// addOutput gives a command the flag -o.
func addOutput(cmd *cobra.Command, f *format) {
	*f = asTable
	cmd.Flags().VarP(f, "output", "o", "how to print")
	complete(cmd, "output", string(asTable), string(asJSON))
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that does not exist, or is registered twice.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// printJSON writes v as one line of JSON; &, < and > stay as they are: URLs are full of the first.
func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table aligns rows. The first error of a write is told by flush.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer) table { return table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)} }

func (t table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = plain(c)
	}
	_, _ = fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

func (t table) flush() error { return t.w.Flush() }

// plain makes a text that others wrote fit into one line of a terminal, which it must not command.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
}

// stamp is a time in a table; "-" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
