package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/demo"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func newDemo() *cobra.Command {
	var file string
	var count int
	var oneObject, serve bool
	var output format
	flags := emulatorFlags{cfg: emulator.Default()}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything in one process: NATS, the emulator, a worker",
		Long: `Run an embedded NATS server, the EdgeOne emulator and a worker in one process, and
purge a list of URLs. It reads no configuration, credentials or variables: it
can't touch a real account. With --serve it stays up for you to try.`,
		Example: `  edgepurge demo
  edgepurge demo --urls list.txt --batch-quota 1000
  edgepurge demo --serve`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			urls, err := demoList(cmd, file, count)
			if err != nil {
				return err
			}
			cfg := demo.Config{URLs: urls, Serve: serve, Log: zap.NewNop()}
			if cfg.Emulator, err = flags.config(); err != nil {
				return err
			}
			oneObject = oneObject || output == asJSON
			bar := newProgress(cmd.ErrOrStderr(), len(urls))
			cfg.Progress = bar.set
			cfg.Serving = func(nats, endpoint string, s demo.Summary) {
				bar.end()
				_ = printSummary(cmd.OutOrStdout(), s, oneObject)
				serving(cmd.ErrOrStderr(), nats, endpoint)
			}
			s, err := demo.Run(cmd.Context(), cfg)
			bar.end()
			switch {
			case cmd.Context().Err() != nil && serve && s.Completed+s.Failed == s.Requests:
				return nil // ^C is how one ends it
			case cmd.Context().Err() != nil:
				_ = printSummary(cmd.OutOrStdout(), s, oneObject)
				return exit{exitInterrupted, errors.New("interrupted")}
			case err != nil:
				return err
			}
			if err := printSummary(cmd.OutOrStdout(), s, oneObject); err != nil {
				return err
			}
			return ends(s.Completed, s.Requests)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "urls", "", "file with one URL a line; defaults to about 2,000 real ones")
	f.IntVar(&count, "count", 0, "only the first COUNT of them; 0: all")
	f.BoolVar(&oneObject, "json", false, "end with the summary as one JSON object, as -o json does")
	f.BoolVar(&serve, "serve", false, "stay up, NATS on 4222")
	flags.add(f)
	addOutput(cmd, &output)
	return cmd
}

func demoList(cmd *cobra.Command, file string, count int) ([]string, error) {
	urls := demo.URLs()
	if file != "" {
		var err error
		if urls, err = readTargets(cmd.InOrStdin(), file); err != nil {
			return nil, err
		}
	}
	if count < 0 {
		return nil, usage("--count %d: give the number of URLs, 0 for all", count)
	}
	if count > 0 {
		urls = urls[:min(count, len(urls))]
	}
	return urls, nil
}

// readTargets reads one target a line; blank lines and those that begin with # are skipped.
func readTargets(in io.Reader, file string) ([]string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usage("read targets: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	var targets []string
	for line, err := range lines(in) {
		if err != nil {
			return nil, usage("read targets in %s: %w", file, err)
		}
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			targets = append(targets, line)
		}
	}
	if len(targets) == 0 {
		return nil, usage("read targets: %s has none", file)
	}
	return targets, nil
}

// longestLine is what is kept of a line: more than a target may have, so that it is refused like any other that is not
// valid, and less than a message takes.
const longestLine = 64 << 10

// lines gives the lines of a text, cut off where they are too long.
func lines(in io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		r := bufio.NewReader(in)
		var line []byte
		for {
			piece, more, err := r.ReadLine()
			if errors.Is(err, io.EOF) {
				if len(line) > 0 { // the last one ends where a piece of it did
					yield(string(line), nil)
				}
				return
			}
			if err != nil {
				yield("", err)
				return
			}
			line = append(line, piece[:min(len(piece), longestLine-len(line))]...)
			if more {
				continue
			}
			if !yield(string(line), nil) {
				return
			}
			line = line[:0]
		}
	}
}

// ends gives the exit code that the counts stand for.
func ends(completed, all int) error {
	switch completed {
	case all:
		return nil
	case 0:
		return exit{code: exitNone}
	}
	return exit{code: exitSome}
}

func printSummary(out io.Writer, s demo.Summary, oneObject bool) error {
	if oneObject {
		s.Failed = s.Requests - s.Completed // what has not ended, as after an interrupt, did not complete
		return json.NewEncoder(out).Encode(s)
	}
	_, err := fmt.Fprintf(out, "%s: %d completed, %d failed, in %.1f s\n"+
		"%s in %s, by %d CreatePurgeTask and %d DescribePurgeTasks calls, %d refused as too fast\n",
		count(s.Requests, "request"), s.Completed, s.Failed, s.Seconds, count(s.Targets, "distinct target"),
		count(s.Jobs, "job"), s.CreateCalls, s.DescribeCalls, s.Throttled)
	return err
}

// count says a number with its noun.
func count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func serving(out io.Writer, nats, endpoint string) {
	_, _ = fmt.Fprintf(out, `
Up until ^C: NATS on %s, the emulator on %s. Try:

  nats sub 'purge.events.>'
  nats pub purge.requests.interactive.me '{"targets":["https://www.example.com/"]}'
  edgepurge submit https://www.example.com/ --wait
  edgepurge events --follow
  curl %s/stats
`, nats, endpoint, endpoint)
}
