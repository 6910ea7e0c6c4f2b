package edgeone

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// exchange is what the transport saw of one call. It is carried through the request's context, the
// only thing that the SDK hands on unchanged from our call to our RoundTripper. It is owned by the
// goroutine of the call: the SDK, http.Client without a timeout, RoundTrip and the trace hooks used
// here all run on it.
type exchange struct {
	action string

	// begun tells that the request was handed to the network, whatever came of it.
	begun bool
	// sent tells that bytes of the request may have left: a connection was ready for them.
	sent bool
	// status and date are of the answer; zero if there was none.
	status int
	date   time.Time
	// secrets are the confidential values in the request's header.
	secrets []string
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf returns the exchange of ctx, or one that nobody reads.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// begin notes that the request with header h is handed to the network.
func (x *exchange) begin(h http.Header) {
	x.begun, x.sent = true, true
	auth := h.Get("Authorization")
	_, id, _ := strings.Cut(auth, "Credential=")
	id, _, _ = strings.Cut(id, "/")
	_, signature, _ := strings.Cut(auth, "Signature=")
	x.secrets = []string{h.Get("X-TC-Token"), signature, id}
}

// trace returns hooks that correct sent: while a connection is sought, nothing has left. Errors of
// dialling, name resolution, proxies and TLS fall into that time, whatever their type.
func (x *exchange) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { x.sent = false },
		GotConn: func(httptrace.GotConnInfo) { x.sent = true },
	}
}

// end notes the head of the answer.
func (x *exchange) end(res *http.Response) {
	x.status = res.StatusCode
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		x.date = date
	}
}
