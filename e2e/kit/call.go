package kit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Call is a call of EdgeOne's API as it came to one who stands before the API.
type Call struct {
	Action string
	Body   []byte
	At     time.Time // when it began to come

	request *http.Request
}

// ReadCall reads a call. Its error says that the caller has gone in the middle of it.
func ReadCall(r *http.Request) (*Call, error) {
	c := &Call{Action: r.Header.Get("X-TC-Action"), At: time.Now(), request: r}
	var err error
	if c.Body, err = io.ReadAll(r.Body); err != nil {
		return c, fmt.Errorf("read call of %s: %w", c.Action, err)
	}
	return c, nil
}

// Context ends when nobody waits for the answer any more.
func (c *Call) Context() context.Context { return c.request.Context() }

// Serve has an API of this process answer the call.
func (c *Call) Serve(w http.ResponseWriter, api http.Handler) {
	c.request.Body = io.NopCloser(bytes.NewReader(c.Body))
	api.ServeHTTP(w, c.request)
}

// Forward sends the call to the API at an address as it came, also when nobody waits for the answer
// any more: the signature covers the host that the caller named.
func (c *Call) Forward(client *http.Client, address string) (Answer, error) {
	ctx := context.WithoutCancel(c.Context())
	url := "http://" + address + c.request.URL.RequestURI()
	req, err := http.NewRequestWithContext(ctx, c.request.Method, url, bytes.NewReader(c.Body))
	if err != nil {
		return Answer{}, fmt.Errorf("make call: %w", err)
	}
	req.Host, req.Header = c.request.Host, c.request.Header.Clone()
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("pass call on: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	return Answer{res.StatusCode, res.Header.Get("Content-Type"), data}, nil
}

// Answer is what a call is answered. The zero Answer is none: the connection is reset.
type Answer struct {
	Status int
	Type   string // of the body
	Body   []byte
}

// Send gives the caller its answer.
func (a Answer) Send(w http.ResponseWriter) {
	if a.Status == 0 {
		Reset(w)
		return
	}
	w.Header().Set("Content-Type", a.Type)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// Reset ends the connection of a call without an answer.
func Reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		reset(conn)
	}
}

// Serve opens a server on loopback, and returns it with its URL. Close ends it.
func Serve(handler http.Handler) (*http.Server, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once
	if err != nil {
		return nil, "", fmt.Errorf("open server: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // Close ends it
	return server, "http://" + listener.Addr().String(), nil
}
