package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/demo"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/summary"
	"github.com/edgepurge/edgepurge/purge"
)

func newDemo() *cobra.Command {
	var file string
	var count int
	var oneObject, serve bool
	var listen listenFlags
	var output format
	flags := emulatorFlags{cfg: emulator.Default()}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything in one process: NATS, the emulator, a worker",
		Long: `Run an embedded NATS server, the EdgeOne emulator and a worker in one process, and
purge a list of URLs. It reads no configuration, credentials or variables: it
can't touch a real account. With --serve it stays up for you to try. When the
quota of the day is exhausted and the next day begins within 5 minutes it waits
for that, else it ends and says what has not ended (exit code 3, 1 when nothing
completed).`,
		Example: `  edgepurge demo
  edgepurge demo --urls list.txt --batch-quota 1000
  edgepurge demo --daily-quota 1000 --day 10s
  edgepurge demo --serve --nats-listen 127.0.0.1:4223 --http-listen 127.0.0.1:7490`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			urls, err := demoList(cmd, file, count)
			if err != nil {
				return err
			}
			cfg := demo.Config{URLs: urls, Serve: serve, NATSListen: listen.nats, HTTPListen: listen.http, Log: zap.NewNop()}
			if err := listen.check(); err != nil {
				return err
			}
			if cfg.Emulator, err = flags.config(); err != nil {
				return err
			}
			oneObject = oneObject || output == asJSON
			bar := newProgress(cmd.ErrOrStderr(), len(urls))
			cfg.Progress = func(ended, all int, waits string) {
				bar.waits(waits)
				bar.set(ended, all)
			}
			if !oneObject {
				cfg.Failed = func(f summary.Failure) { bar.say(f.String()) }
			}
			cfg.Serving = func(at demo.Addresses, s demo.Summary) {
				bar.end()
				_ = printSummary(cmd.OutOrStdout(), s, oneObject)
				serving(cmd.ErrOrStderr(), at, cfg.Emulator, s)
			}
			s, err := demo.Run(cmd.Context(), cfg)
			bar.end()
			return demoEnd(cmd, s, err, serve, oneObject)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "urls", "", "file with one URL a line; defaults to about 2,000 real ones")
	f.IntVar(&count, "count", 0, "only the first COUNT of them; 0: all")
	f.BoolVar(&oneObject, "json", false, "end with the summary as one JSON object, as -o json does")
	f.BoolVar(&serve, "serve", false, "stay up until ^C")
	f.StringVar(&listen.nats, "nats-listen", "", "address of NATS; with --serve "+demo.ServeNATS+", else a free port")
	f.StringVar(&listen.http, "http-listen", "", "address of the status page; with --serve "+demo.ServeHTTP+", else none")
	flags.add(f)
	addOutput(cmd, &output)
	return cmd
}

// listenFlags are where the parts of a demo listen.
type listenFlags struct{ nats, http string }

func (l listenFlags) check() error {
	for _, f := range [][2]string{{"--nats-listen", l.nats}, {"--http-listen", l.http}} {
		if f[1] == "" {
			continue
		}
		if err := checkListen(f[0], f[1]); err != nil {
			return err
		}
	}
	return nil
}

// checkListen refuses what is no address to listen on.
func checkListen(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return usage("%s %q: write host:port, such as 127.0.0.1:4222; port 0 is a free one", flag, address)
	}
	return nil
}

// demoEnd prints what became of a demo, and gives the exit code that this stands for.
func demoEnd(cmd *cobra.Command, s demo.Summary, err error, serve, oneObject bool) error {
	switch {
	case cmd.Context().Err() != nil && serve && (s.Pending == 0 || errors.Is(err, demo.ErrWaits)):
		return nil // ^C is how one ends it
	case cmd.Context().Err() != nil:
		_ = printSummary(cmd.OutOrStdout(), s, oneObject)
		return exit{exitInterrupted, errors.New("interrupted")}
	case errors.Is(err, demo.ErrWaits):
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s wait: %s. A worker would go on then; the demo ends here. See it go on with --day 1m.\n",
			count(s.Pending, "request"), s.Waits)
	case err != nil:
		return err
	}
	if err := printSummary(cmd.OutOrStdout(), s, oneObject); err != nil {
		return err
	}
	return ends(s.Completed, s.Requests)
}

func demoList(cmd *cobra.Command, file string, count int) ([]string, error) {
	urls := demo.URLs()
	if file != "" {
		var err error
		if urls, err = readTargets(cmd.InOrStdin(), file, purge.URL); err != nil {
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
		return printJSON(out, s)
	}
	pending := ""
	if s.Pending > 0 {
		pending = fmt.Sprintf(", %d pending", s.Pending)
	}
	if n := s.Failed - len(s.Failures); n > 0 {
		pending += fmt.Sprintf(", %s not listed", count(n, "failure"))
	}
	_, err := fmt.Fprintf(out, "%s: %d completed, %d failed%s, in %.1f s\n"+
		"%s in %s, by %d CreatePurgeTask and %d DescribePurgeTasks calls, %d refused as too fast\n",
		count(s.Requests, "request"), s.Completed, s.Failed, pending, s.Seconds, count(s.Targets, "distinct target"),
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

func serving(out io.Writer, at demo.Addresses, api emulator.Config, s demo.Summary) {
	if s.Waits != "" {
		_, _ = fmt.Fprintf(out, "%s wait: %s\n", count(s.Pending, "request"), s.Waits)
	}
	_, _ = fmt.Fprintf(out, `
Up until ^C: NATS on %s, the emulator on %s, the status page on %s/. Try, in another shell:

`, at.NATS, at.API, at.Page)
	_, _ = fmt.Fprintf(out, "  export NATS_URL=%s EDGEPURGE_HTTP_LISTEN=%s EDGEPURGE_EDGEONE_ENDPOINT=%s "+
		"TENCENTCLOUD_SECRET_ID=%s TENCENTCLOUD_SECRET_KEY=%s\n", at.NATS, strings.TrimPrefix(at.Page, "http://"), at.API,
		cmp.Or(api.SecretID, emulator.DefaultSecretID), cmp.Or(api.SecretKey, emulator.DefaultSecretKey))
	_, _ = fmt.Fprintf(out, `  nats sub 'purge.events.>'
  nats pub purge.requests.interactive.me '{"targets":["https://www.example.com/"]}'
  edgepurge submit https://www.example.com/ --wait
  edgepurge events --follow
  edgepurge quota
  edgepurge config check --online
  curl %s/stats
`, at.API)
}
