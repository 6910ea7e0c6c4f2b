package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

func newDead() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List, show, replay and drop dead letters",
		Long: `Dead letters are request messages that were refused, with their original bytes
and the reason. Each is named by its sequence in the stream.`,
		Example: `  edgepurge dead ls --source ghost
  edgepurge dead show 17
  edgepurge dead replay 17 18
  edgepurge dead drop 17`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	cmd.AddCommand(newDeadList(), newDeadShow(), newDeadReplay(), newDeadDrop())
	return cmd
}

// deadCodes are the codes that a dead letter may have.
var deadCodes = []string{
	purge.CodeMalformed, purge.CodeTooLarge, purge.CodeUnknownField, purge.CodeInvalidTarget, purge.CodeZoneNotFound,
	purge.CodeZoneAmbiguous, purge.CodePolicy, purge.CodeUnsupported, purge.CodeIDReused, purge.CodePoison,
}

// deadReasons are the codes in the form that they have in a subject.
func deadReasons() []string {
	reasons := make([]string, len(deadCodes))
	for i, code := range deadCodes {
		reasons[i] = strings.Split(purge.Subjects{}.Dead(code, ""), ".")[2]
	}
	return reasons
}

// isReason reports whether a text is a code that a dead letter may have, in either form.
func isReason(text string) bool {
	return slices.Contains(deadCodes, text) || slices.Contains(deadReasons(), text)
}

func newDeadList() *cobra.Command {
	var output format
	var source, reason string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List dead letters, oldest first",
		Example: `  edgepurge dead ls
  edgepurge dead ls --source ghost --reason id-reused -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case source != "" && !purge.ValidSource(source):
				return usage("--source %q: a source is 1 to 32 of a-z 0-9 _ -", source)
			case reason != "" && !isReason(reason):
				return usage("--reason %q: use %s, or the codes that these stand for, such as IdReused", short(reason), strings.Join(deadReasons(), ", "))
			}
			return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
				n, err := listLetters(ctx, cmd.OutOrStdout(), b, output, source, reason)
				if err == nil && n == 0 {
					_, err = fmt.Fprintln(cmd.ErrOrStderr(), "none")
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "only of this source")
	cmd.Flags().StringVar(&reason, "reason", "", "only with this reason, such as id-reused")
	addOutput(cmd, &output)
	complete(cmd, "reason", deadReasons()...)
	return cmd
}

func listLetters(ctx context.Context, out io.Writer, b *broker.Broker, output format, source, reason string) (n int, err error) {
	t := newTable(out)
	for l, err := range b.Dead.List(ctx, source, reason) {
		if err != nil {
			return n, err
		}
		n++
		if output == asJSON {
			if err := printJSON(out, letterOf(l)); err != nil {
				return n, err
			}
			continue
		}
		if n == 1 {
			t.row("SEQUENCE", "TIME", "REASON", "REQUEST", "MESSAGE")
		}
		t.row(strconv.FormatUint(l.Sequence, 10), stamp(l.Stored), l.Reason, l.Request, l.Message)
	}
	return n, t.flush()
}

// letter is a dead letter as JSON.
type letter struct {
	Sequence    uint64    `json:"sequence"`
	Time        time.Time `json:"time"`
	Reason      string    `json:"reason"`
	Code        string    `json:"code"`
	Message     string    `json:"message"`
	Request     string    `json:"request"`
	Subject     string    `json:"subject"`
	ContentType string    `json:"content_type,omitempty"`
	Size        int       `json:"size"`
	Data        *string   `json:"data,omitempty"`        // the body, where it is UTF-8
	Base64      []byte    `json:"data_base64,omitempty"` // the body, where it is not
}

func letterOf(l broker.DeadLetter) letter {
	return letter{
		Sequence: l.Sequence, Time: l.Stored, Reason: l.Reason, Code: l.Code, Message: l.Message,
		Request: l.Request, Subject: l.Subject, ContentType: l.ContentType, Size: l.Size,
	}
}

func newDeadShow() *cobra.Command {
	var output format
	var sequences []uint64
	cmd := &cobra.Command{
		Use:   "show SEQUENCE",
		Short: "Print a dead letter: the reason, and the request's original bytes",
		Long: `Print a dead letter: its headers, an empty line, and the request's original
bytes as they are. With -o json the bytes are in data, or, where they are not
UTF-8, in data_base64.`,
		Example: `  edgepurge dead show 17
  edgepurge dead show 17 -o json`,
		Args: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) != 1 {
				return usage("%s takes one sequence, got %d; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
			}
			sequences, err = sequenceArgs(cmd, args)
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
				l, err := b.Dead.Get(ctx, sequences[0])
				if err != nil {
					return err
				}
				return showLetter(cmd.OutOrStdout(), output, l)
			})
		},
	}
	addOutput(cmd, &output)
	return cmd
}

func showLetter(out io.Writer, output format, l broker.DeadLetter) error {
	if output == asJSON {
		v := letterOf(l)
		if utf8.Valid(l.Data) {
			v.Data = new(string(l.Data))
		} else {
			v.Base64 = l.Data
		}
		return printJSON(out, v)
	}
	for _, h := range [][2]string{
		{"Sequence", strconv.FormatUint(l.Sequence, 10)},
		{"Time", stamp(l.Stored)},
		{"Edgepurge-Subject", l.Subject},
		{"Edgepurge-Request", l.Request},
		{"Edgepurge-Code", l.Code},
		{"Edgepurge-Message", l.Message},
		{"Content-Type", l.ContentType},
	} {
		if h[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", h[0], plain(h[1])); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "\n%s", l.Data)
	return err
}

// sequenceArgs reads the sequences that name dead letters, each once.
func sequenceArgs(cmd *cobra.Command, args []string) ([]uint64, error) {
	if len(args) == 0 {
		return nil, usage("%s takes the sequence of a dead letter; see edgepurge dead ls", cmd.CommandPath())
	}
	var sequences []uint64
	for _, a := range args {
		n, err := strconv.ParseUint(a, 10, 64)
		if err != nil || n == 0 {
			return nil, usage("%q: a dead letter is named by its sequence, a number from 1 on; see edgepurge dead ls", a)
		}
		if !slices.Contains(sequences, n) {
			sequences = append(sequences, n)
		}
	}
	return sequences, nil
}

func newDeadReplay() *cobra.Command {
	var output format
	return newDeadAct(&output, &cobra.Command{
		Use:   "replay SEQUENCE…",
		Short: "Publish requests of dead letters again",
		Long: `Publish the request of each dead letter again, on its lane, as a new request with
the id _replay-SEQUENCE and the label replay_of (not where it has 16 labels
already, the most that there may be). Nothing else of it changes, so do it once
the cause is mended. The same letter again is the same request. The letter
stays: see edgepurge dead drop. Prints SOURCE/ID of each new request.`,
		Example: `  edgepurge dead replay 17 18
  edgepurge status ghost/_replay-17`,
	}, func(ctx context.Context, cmd *cobra.Command, b *broker.Broker, sequence uint64) error {
		r, err := b.Dead.Replay(ctx, sequence)
		if err != nil {
			return err
		}
		if output == asJSON {
			return printJSON(cmd.OutOrStdout(), struct {
				Sequence uint64     `json:"sequence"`
				Source   string     `json:"source"`
				Request  string     `json:"request"`
				Lane     purge.Lane `json:"lane"`
				Of       string     `json:"replay_of"`
			}{sequence, r.Key.Source, r.Key.ID, r.Lane, r.Of})
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), r.Key)
		return err
	})
}

func newDeadDrop() *cobra.Command {
	var output format
	return newDeadAct(&output, &cobra.Command{
		Use:     "drop SEQUENCE…",
		Short:   "Remove dead letters for good",
		Example: "  edgepurge dead drop 17 18",
	}, func(ctx context.Context, cmd *cobra.Command, b *broker.Broker, sequence uint64) error {
		if err := b.Dead.Delete(ctx, sequence); err != nil {
			return err
		}
		if output == asJSON {
			return printJSON(cmd.OutOrStdout(), struct {
				Sequence uint64 `json:"sequence"`
				Dropped  bool   `json:"dropped"`
			}{sequence, true})
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d dropped\n", sequence)
		return err
	})
}

// newDeadAct makes a command that does something with each letter that is named. What fails for one is
// told, and the others go on.
func newDeadAct(output *format, cmd *cobra.Command, act func(context.Context, *cobra.Command, *broker.Broker, uint64) error) *cobra.Command {
	var sequences []uint64
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		sequences, err = sequenceArgs(cmd, args)
		return err
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withBroker(cmd, func(ctx context.Context, b *broker.Broker) error {
			done := 0
			for _, n := range sequences {
				err := act(ctx, cmd, b, n)
				switch {
				case err == nil:
					done++
				case errors.Is(err, broker.ErrNoDeadLetter), errors.Is(err, broker.ErrNoReplay):
					_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "edgepurge: %s\n", words(err))
				default:
					return err
				}
			}
			return ends(done, len(sequences))
		})
	}
	addOutput(cmd, output)
	return cmd
}
