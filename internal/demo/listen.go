package demo

import (
	"cmp"
	"context"
	"fmt"
	"net"
)

// listeners returns the addresses for NATS and the status page, with real ports. An address that is taken is an error
// at once.
func (c *Config) listeners(ctx context.Context) (nats, page string, err error) {
	nats, page = c.NATSListen, c.HTTPListen
	if c.Serve {
		nats, page = cmp.Or(nats, ServeNATS), cmp.Or(page, ServeHTTP)
	}
	if nats, err = free(ctx, cmp.Or(nats, "127.0.0.1:0"), "--nats-listen"); err != nil || page == "" {
		return nats, "", err
	}
	page, err = free(ctx, page, "--http-listen")
	return nats, page, err
}

// free tries an address, and returns it with the port that it got. Those who listen there later open it anew.
func free(ctx context.Context, address, flag string) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("%w; choose another address with %s", err, flag)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
