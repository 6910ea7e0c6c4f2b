package edgeone

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

// maxAnswer bounds an answer's body in bytes, decompressed; the API itself stops at about 50 MB.
const maxAnswer = 50 << 20

// transport is what the SDK sends through: one request, one answer, nothing resent. It reads the
// whole answer itself and passes on JSON objects only, for the SDK crashes on the body null, leaks
// the connection for some content types, and loses the cause of a read that breaks.
type transport struct {
	wire http.RoundTripper
	may  func() error        // may be nil
	sent func(action string) // may be nil
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	x := exchangeOf(ctx)
	if err := t.admit(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	out := req.WithContext(httptrace.WithClientTrace(ctx, x.trace()))
	out.GetBody = nil // without it net/http can't send the body a second time
	x.begin(req.Header)
	if t.sent != nil {
		t.sent(x.action)
	}
	res, err := t.wire.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	x.end(res)
	return t.read(x, res)
}

// admit refuses a request that must not go out.
func (t *transport) admit(req *http.Request) error {
	if err := context.Cause(req.Context()); err != nil {
		return err
	}
	if req.ContentLength > MaxBody {
		return fmt.Errorf("%w: %d bytes of %d", errTooLarge, req.ContentLength, MaxBody)
	}
	if t.may != nil {
		return t.may()
	}
	return nil
}

// read takes the whole body of res, closes it, and returns res with a copy of it.
func (t *transport) read(x *exchange, res *http.Response) (*http.Response, error) {
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 == 3 {
		return nil, fmt.Errorf("HTTP %d redirects to %q, which is not followed", res.StatusCode, redirectHost(res))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	if !isObject(body) {
		return nil, fmt.Errorf("HTTP %d is not an answer of the API: %q", res.StatusCode, x.excerpt(body))
	}
	read := *res
	read.Body = io.NopCloser(bytes.NewReader(body))
	read.ContentLength = int64(len(body))
	read.Header = res.Header.Clone()
	read.Header.Set("Content-Type", "application/json") // it is; the SDK reads other types in other ways
	read.Header.Del("Content-Encoding")
	return &read, nil
}

// isObject tells whether body is one well-formed JSON object, nested no deeper than encoding/json
// allows; the SDK's decoder has no such limit.
func isObject(body []byte) bool {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	return bytes.HasPrefix(trimmed, []byte("{")) && json.Valid(body)
}

// redirectHost returns where res points, without the rest of the URL, which may hold a token.
func redirectHost(res *http.Response) string {
	if u, err := res.Location(); err == nil {
		return u.Host
	}
	return ""
}

// newWire returns the network. It is HTTP/1.1: a connection that breaks takes one call with it, not
// all that are in flight. 64 idle connections are more than 20 calls/s of up to 3 s need.
func newWire() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		Protocols:              protocols,
	}
}
