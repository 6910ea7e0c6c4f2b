package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/config"
)

// onlineWait bounds a check of what the configuration names.
const onlineWait = 10 * time.Second

var errOnlineWait = fmt.Errorf("no answer within %s", onlineWait)

// finding is what one look at something told.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

func found(check, format string, args ...any) finding {
	return finding{check, true, fmt.Sprintf(format, args...)}
}

func wrong(check string, err error) finding { return finding{check, false, words(err)} }

// checkOnline looks at NATS and at EdgeOne side by side, and prints one line for each look.
func checkOnline(cmd *cobra.Command, cfg config.Config, output format) error {
	wait, err := patienceOf(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), onlineWait, errOnlineWait)
	defer cancel()
	var nats, api []finding
	var looks sync.WaitGroup
	looks.Go(func() { nats = checkNATS(ctx, cfg, wait) })
	looks.Go(func() { api = checkEdgeOne(ctx, cfg) })
	looks.Wait()
	if cmd.Context().Err() != nil {
		return context.Cause(cmd.Context())
	}
	all := append(append([]finding{{"configuration", true, ""}}, nats...), api...)
	if err := printFindings(cmd.OutOrStdout(), output, all); err != nil {
		return err
	}
	for _, f := range all {
		if !f.OK {
			return exit{code: exitNone}
		}
	}
	return nil
}

func printFindings(out io.Writer, output format, all []finding) error {
	t := newTable(out)
	for _, f := range all {
		if output == asJSON {
			if err := printJSON(out, f); err != nil {
				return err
			}
			continue
		}
		word := "ok"
		if !f.OK {
			word = "WRONG"
		}
		t.row(f.Check, word, f.Detail)
	}
	return t.flush()
}

// checkNATS looks at the server, and at the streams if it can be worked with.
func checkNATS(ctx context.Context, cfg config.Config, wait time.Duration) []finding {
	b, err := connect(ctx, cfg, wait)
	if err != nil {
		return []finding{wrong("nats", err)}
	}
	defer b.Conn.Close()
	server := found("nats", "%s, server %s", where(b), b.Conn.ServerVersion())
	ctx, cancel := context.WithTimeoutCause(ctx, wait, errOnlineWait)
	defer cancel()
	changes, err := b.Streams.Diff(ctx)
	switch {
	case err != nil:
		return []finding{server, wrong("streams", b.Conn.Explain(err))}
	case len(changes) > 0:
		return []finding{server, wrong("streams", missing(cfg, changes))}
	}
	return []finding{server, found("streams", "as they should be")}
}

// missing says what to do about streams that are not as they should be.
func missing(cfg config.Config, changes []broker.Change) error {
	lines := make([]string, len(changes))
	create := cfg.NATS.Provision == config.ProvisionCreate
	for i, c := range changes {
		lines[i] = c.String()
		create = create && c.Field == ""
	}
	advice := "run `edgepurge setup`"
	if create {
		advice += ", or start a worker, which creates what is missing"
	}
	return errors.New(strings.Join(lines, "; ") + "; " + advice)
}

// checkEdgeOne looks at the credentials, the zones that they see, and each zone's quotas.
func checkEdgeOne(ctx context.Context, cfg config.Config) []finding {
	i, err := account.NewInspector(ctx, cfg.EdgeOne, cfg.Limits)
	if err != nil {
		return []finding{wrong("credentials", err)}
	}
	defer i.Close()
	zones, err := i.Zones(ctx)
	var all []finding
	switch {
	case err != nil:
		all = append(all, wrong("zones", late(ctx, err)))
	case len(zones) == 0:
		all = append(all, wrong("zones", errors.New("the credentials see no zone; check whose they are")))
	default:
		all = append(all, found("zones", "%s seen by the credentials", count(len(zones), "zone")))
	}
	for n, z := range zones {
		f := checkQuota(ctx, i, z)
		all = append(all, f)
		if ctx.Err() != nil {
			return append(all, wrong("zones", fmt.Errorf("%d of %d not looked at: %w", len(zones)-n-1, len(zones), errOnlineWait)))
		}
	}
	return all
}

func checkQuota(ctx context.Context, i *account.Inspector, z account.Zone) finding {
	q, err := quotasOf(ctx, i, z)
	switch {
	case errors.Is(err, account.ErrNoQuotas):
		return found(z.ID, "%s%v", named(z), err)
	case err != nil:
		return wrong(z.ID, late(ctx, err))
	case len(q.Quotas) == 0:
		return found(z.ID, "%sno quota is told", named(z))
	}
	return found(z.ID, "%s%s", named(z), q.summary())
}

// named begins a line about a zone.
func named(z account.Zone) string {
	if z.Name == "" {
		return ""
	}
	return z.Name + ": "
}

// late tells an end by the clock as such, and not in the words of what it broke off.
func late(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errOnlineWait
	}
	return err
}
