package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/config"
)

// connectWait is how long a command that a person waits for looks for the server, and waits for
// each of its answers. The flag connectTimeout changes it; a longer one is for a server that is
// about to start, not for answers.
const (
	connectWait    = 5 * time.Second
	connectTimeout = "connect-timeout"
)

// absence is how long nobody may answer for a stream before a command says that there is none.
const absence = 2 * time.Second

// withBroker reads the configuration, connects, and runs a command. An error tells what to do about
// it, where that is known.
func withBroker(cmd *cobra.Command, do func(context.Context, *broker.Broker) error) error {
	cfg, err := load(cmd)
	if err != nil {
		return err
	}
	wait, err := patienceOf(cmd)
	if err != nil {
		return err
	}
	b, err := connect(cmd.Context(), cfg, wait)
	if err != nil {
		return err
	}
	defer b.Conn.Close()
	err = do(cmd.Context(), b)
	if _, ok := errors.AsType[exit](err); ok || err == nil || cmd.Context().Err() != nil {
		return err
	}
	return b.Conn.Explain(err)
}

// asProducer gives a command a client over the broker's connection, for what needs no more than the
// rights of a producer (docs/client.md).
func asProducer(ctx context.Context, b *broker.Broker, cfg client.Config, do func(*client.Client) error) error {
	cfg.Absence = absence
	c, err := b.Conn.Client(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }() // nothing is under way any more
	return do(c)
}

// connect opens a connection for a command, and gives up soon when there is no server.
func connect(ctx context.Context, cfg config.Config, wait time.Duration) (*broker.Broker, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("no answer within %s", wait))
	defer cancel()
	dial := app.Dial(cfg)
	dial.Timeout, dial.Answer = wait, min(wait, connectWait)
	b, err := broker.Connect(dial, app.Settings(cfg), zap.NewNop())
	if err != nil {
		return nil, exit{exitUsage, withoutAddress(err)}
	}
	var why error
	if err := b.Conn.Ready(ctx, func(reason error) { why = reason }); err != nil {
		defer b.Conn.Close()
		return nil, fmt.Errorf("%s: %w", where(b), b.Conn.Explain(why))
	}
	if err := b.Conn.Answers(); err != nil {
		defer b.Conn.Close()
		return nil, b.Conn.Explain(err)
	}
	return b, nil
}

// patienceOf returns how long a command looks for the server.
func patienceOf(cmd *cobra.Command) (time.Duration, error) {
	wait, err := cmd.Flags().GetDuration(connectTimeout)
	if err == nil && wait <= 0 {
		err = usage("--%s must be more than 0, such as 5s", connectTimeout)
	}
	return wait, err
}

// where is the server's address without the password that may stand in it (I6).
func where(b *broker.Broker) config.ServerURL { return config.ServerURL(b.Conn.Address()) }

// withoutAddress takes an address that can't be read out of an error: a context of the nats CLI may
// have a password in it (I6).
func withoutAddress(err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return errors.New("connect to nats: the server's address can't be read; check NATS_URL, or the url in the context")
	}
	return err
}
