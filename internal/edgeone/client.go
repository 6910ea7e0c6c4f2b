package edgeone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
)

const (
	// DefaultEndpoint is the API's nearest entry, by DNS (EdgeOne API docs, request structure).
	DefaultEndpoint = "teo.tencentcloudapi.com"
	// DefaultVersion is the API version that is current.
	DefaultVersion = "2022-09-01"
	// DefaultTimeout bounds one call.
	DefaultTimeout = 30 * time.Second
)

// Config says which API to call, and as whom.
type Config struct {
	// Credentials sign every call. GetCredential is read once a call, on the caller's goroutine, so
	// that keys may be renewed while calls go on; it must not block, for no context can end it.
	// Required.
	Credentials common.CredentialIface
	// Endpoint is host[:port][/path] or a URL; plain http:// only to a loopback address.
	// Defaults to DefaultEndpoint.
	Endpoint string
	// Version is the API version: 2022-09-01 or 2022-01-06. Defaults to DefaultVersion.
	Version string
	// Region is sent with every call if it is not empty. 2022-09-01 needs none; for 2022-01-06, which
	// does, it defaults to ap-guangzhou.
	Region string
	// Timeout bounds one call, from its start to the last byte of its answer. It is in force beside
	// the context's own deadline. Defaults to DefaultTimeout.
	Timeout time.Duration
	// May, if not nil, is asked at that moment before: with its error the request does not go out, and the
	// call is of class Transient. It is called from many goroutines at once and must not block.
	May func() error
	// Sent, if not nil, is called with the action at the moment that a request is handed to the
	// network; a call that is refused before (by May, too large, context ended) is not counted. It is called
	// from many goroutines at once and must not block.
	Sent func(action string)
	// Called, if not nil, is told of the end of each call: its error as the caller gets it, and what it
	// took. One that Sent was not told of is no call. It is called from many goroutines at once and
	// must not block.
	Called func(action string, err error, took time.Duration)
}

// Client calls EdgeOne with the credentials of one account. It is safe for concurrent use.
type Client struct {
	// Set in New, read-only after.
	api      api
	wire     http.RoundTripper
	endpoint string
	timeout  time.Duration
	called   func(action string, err error, took time.Duration)
}

// New returns a client. It does no I/O: whether endpoint and credentials are good shows with the
// first call. The error names every fault of cfg.
func New(cfg Config) (*Client, error) {
	return newClient(cfg, newWire())
}

// newClient is New over a given network.
func newClient(cfg Config, wire http.RoundTripper) (*Client, error) {
	ep, err := parseEndpoint(cmp.Or(cfg.Endpoint, DefaultEndpoint))
	faults := []error{err}
	if cfg.Credentials == nil {
		faults = append(faults, errors.New("no credentials: set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY"))
	}
	if cfg.Timeout < 0 {
		faults = append(faults, fmt.Errorf("timeout %v is negative: use 0 for %v", cfg.Timeout, DefaultTimeout))
	}
	cfg.Version = cmp.Or(cfg.Version, DefaultVersion)
	api, err := newAPI(cfg, ep, &transport{wire: wire, may: cfg.May, sent: cfg.Sent})
	faults = append(faults, err)
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("configure edgeone: %w", err)
	}
	return &Client{
		api:      api,
		wire:     wire,
		endpoint: ep.host,
		timeout:  cmp.Or(cfg.Timeout, DefaultTimeout),
		called:   cfg.Called,
	}, nil
}

// CloseIdleConnections drops the connections that no call is using. The client stays usable.
func (c *Client) CloseIdleConnections() {
	(&http.Client{Transport: c.wire}).CloseIdleConnections()
}

// call runs send, one request of action, and returns what was seen of it on the wire. The error is
// an *Error.
func (c *Client) call(ctx context.Context, action string, send func(context.Context) error) (*exchange, error) {
	late := fmt.Errorf("no answer within %v: %w", c.timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, late)
	defer cancel()
	x := &exchange{action: action}
	start := time.Now()
	err := send(withExchange(ctx, x))
	took := time.Since(start)
	if err != nil {
		err = c.newError(x, err)
	}
	if c.called != nil && x.begun {
		c.called(action, err, took)
	}
	return x, err
}
