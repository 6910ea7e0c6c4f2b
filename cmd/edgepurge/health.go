package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/admin"
)

// healthWait bounds a look: probes give a few seconds.
const healthWait = 3 * time.Second

func newHealth() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask the worker on this machine whether it is ready",
		Long: `Ask the worker that listens at http.listen on this machine whether it can do its
part (/readyz). Exit code 1, with the reasons, when it can't, or when nobody or
something else than a worker of this version answers.
For probes of containers, which have no shell.`,
		Example: "  edgepurge health",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			if cfg.HTTP.Listen == "" {
				return exit{exitUsage, errors.New("http.listen is empty: there is nobody to ask")}
			}
			text, err := ready(cmd.Context(), cfg.HTTP.Listen)
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			}
			return err
		},
	}
}

// ready gives what /readyz says, and an error with the reasons where that is no.
func ready(ctx context.Context, listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("read http.listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // all interfaces, of either kind
	}
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", http.NoBody)
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", listen, err)
	}
	res, err := ask(ctx, req)
	if err != nil {
		return "", fmt.Errorf("ask the worker: %w; %s", notAsked(ctx, listen, req.URL.Host, err), nameWorker)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return "", fmt.Errorf("ask the worker: %w; %s", notAsked(ctx, listen, req.URL.Host, err), nameWorker)
	}
	text := strings.TrimSpace(string(body))
	if name, _, _ := strings.Cut(res.Header.Get("Server"), "/"); name != admin.ServerName {
		return "", fmt.Errorf("what listens on %s is not an edgepurge worker: it answers GET /readyz with HTTP status %d and %q; %s",
			listen, res.StatusCode, plain(short(text)), nameWorker)
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("not ready: %s", text)
	}
	return text, nil
}

// ask makes a call without net/http's client, which takes what comes before it has written for a fault of its own: many
// a server that speaks no HTTP speaks first. There is no proxy: it is this machine.
func ask(ctx context.Context, req *http.Request) (*http.Response, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", req.URL.Host)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end) // of the body too
	}
	_ = req.Write(conn) // where nobody reads it, what was said before says more
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	switch {
	case ctx.Err() != nil:
		err = errors.Join(context.Cause(ctx), err)
	case err == nil:
		res.Body = closer{res.Body, conn}
		return res, nil
	}
	_ = conn.Close()
	return nil, err
}

// closer is a body whose end closes its connection.
type closer struct {
	io.Reader
	io.Closer
}

const nameWorker = "start it with edgepurge run, or name its http.listen (EDGEPURGE_HTTP_LISTEN)"

// notAsked says what listens where a question got no answer in HTTP.
func notAsked(ctx context.Context, listen, address string, err error) error {
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case isOp && op.Op == "dial":
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("what listens on %s accepts the connection and says nothing within %s", listen, healthWait)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("what listens on %s closes the connection without an answer", listen)
	case ctx.Err() == nil && greetsAsNATS(ctx, address):
		return fmt.Errorf("a NATS server listens on %s, not an edgepurge worker", listen)
	}
	return fmt.Errorf("what listens on %s is not an edgepurge worker: it does not answer in HTTP", listen)
}

// greetsAsNATS reports whether a NATS server listens at an address: it speaks first.
func greetsAsNATS(ctx context.Context, address string) bool {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	const greeting = "INFO {"
	begin := make([]byte, len(greeting))
	_, err = io.ReadFull(c, begin)
	return err == nil && string(begin) == greeting
}
