package edgeone_test

import (
	"context"
	"errors"
	"io"
	"log" //nolint:depguard // http.Server.ErrorLog is one of its loggers
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// hangUp breaks the connection without an answer.
func hangUp(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an orderly end
	}
	_ = conn.Close()
}

func status(code int, body string) func(*testing.T, http.ResponseWriter, *http.Request) {
	return func(_ *testing.T, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestClient_SendsOnceWhateverTheAnswer(t *testing.T) {
	redirect := func(code int) func(*testing.T, http.ResponseWriter, *http.Request) {
		return func(_ *testing.T, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", code) }
	}
	tests := []struct {
		name   string
		answer func(*testing.T, http.ResponseWriter, *http.Request)
		want   edgeone.Class
	}{
		{"301", redirect(301), edgeone.Ambiguous},
		{"307", redirect(307), edgeone.Ambiguous},
		{"308", redirect(308), edgeone.Ambiguous},
		{"500 HTML", status(500, "<html>oops</html>"), edgeone.Ambiguous},
		{"502 HTML", status(502, "<html>bad gateway</html>"), edgeone.Ambiguous},
		{"200 HTML", status(200, "<html>login</html>"), edgeone.Ambiguous},
		{"404 HTML", status(404, "not found"), edgeone.Ambiguous},
		{"413 HTML", status(413, "too large"), edgeone.TooLarge},
		{"429 HTML", status(429, "slow down"), edgeone.Throttled},
		{"500 with a code", status(500, `{"Response":{"Error":{"Code":"InternalError","Message":"m"}}}`), edgeone.Transient},
		{"500 without a code", status(500, `{"Response":{"JobId":"j"}}`), edgeone.Ambiguous},
		{"204", status(204, ""), edgeone.Ambiguous},
		{"empty body", status(200, ""), edgeone.Ambiguous},
		{"{}", status(200, "{}"), edgeone.Ambiguous},
		{"null", status(200, "null"), edgeone.Ambiguous},
		{"null response", status(200, `{"Response":null}`), edgeone.Ambiguous},
		{"list", status(200, "[]"), edgeone.Ambiguous},
		{"half an object", status(200, `{"Response":{"JobId":"j"`), edgeone.Ambiguous},
		{"other types", status(200, `{"Response":{"JobId":7}}`), edgeone.Ambiguous},
		{"deep", status(200, `{"Response":`+strings.Repeat("[", 1<<20)), edgeone.Ambiguous},
		{"throttled", status(200, `{"Response":{"Error":{"Code":"RequestLimitExceeded","Message":"m"}}}`), edgeone.Throttled},
		{"legacy error", status(200, `{"code":4400,"message":"m","codeDesc":"RequestLimitExceeded"}`), edgeone.Throttled},
		{"reset", func(t *testing.T, w http.ResponseWriter, _ *http.Request) { hangUp(t, w) }, edgeone.Ambiguous},
		{"less than announced", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"Response":`)
		}, edgeone.Ambiguous},
		{"an unknown encoding", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, "\x0b\x02\x80")
		}, edgeone.Ambiguous},
		{"not gzip", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, `{"Response":{"JobId":"j"}}`)
		}, edgeone.Ambiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) { tt.answer(t, w, r) })
			c := s.client(t)
			_, err := c.CreatePurge(t.Context(), urlPurge)
			if got := edgeone.Classify(err); got != tt.want {
				t.Errorf("got %v, want %v: %v", got, tt.want, err)
			}
			e, ok := errors.AsType[*edgeone.Error](err)
			if !ok || e.Action != "CreatePurgeTask" || !e.Sent {
				t.Errorf("got %#v, want an Error of a CreatePurgeTask that was sent", err)
			}
			if n := len(s.seen()); n != 1 {
				t.Errorf("got %d requests, want 1", n)
			}
			if n := len(s.sentActions()); n != 1 {
				t.Errorf("Sent was called %d times, want 1", n)
			}
		})
	}
}

func TestClient_DoesNotReplayOnAConnectionThatWasReused(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			_, _ = io.WriteString(w, `{"Response":{"JobId":"j"}}`)
			return
		}
		hangUp(t, w)
	})
	c := s.client(t)
	if _, err := c.CreatePurge(t.Context(), urlPurge); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreatePurge(t.Context(), urlPurge)
	if got := edgeone.Classify(err); got != edgeone.Ambiguous {
		t.Errorf("got %v, want ambiguous: %v", got, err)
	}
	if n := len(s.seen()); n != 2 {
		t.Errorf("got %d requests, want 2", n)
	}
}

func TestClient_ReadsJSONUnderAnyContentType(t *testing.T) {
	for _, typ := range []string{"text/event-stream", "application/octet-stream", "text/html", "application/json; charset=utf-8"} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Type", typ)
			w.Header().Set("Content-Encoding", "identity")
			_, _ = io.WriteString(w, `{"Response":{"JobId":"j"}}`)
		})
		got, err := s.client(t).CreatePurge(t.Context(), urlPurge)
		if err != nil || got.JobID != "j" {
			t.Errorf("%s: got %q, %v, want job j", typ, got.JobID, err)
		}
	}
}

func TestClient_KnowsWhatWasSurelyNotSent(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	tests := []struct{ name, endpoint string }{
		{"connection refused", closed},
		{"no TLS there", strings.Replace(plain.URL, "http://", "https://", 1)},
		{"certificate not trusted", untrusted.URL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, replies("{}"))
			c := s.client(t, func(cfg *edgeone.Config) { cfg.Endpoint = tt.endpoint })
			_, err := c.CreatePurge(t.Context(), urlPurge)
			if got := edgeone.Classify(err); got != edgeone.Transient {
				t.Errorf("got %v, want transient: %v", got, err)
			}
			if e, ok := errors.AsType[*edgeone.Error](err); !ok || e.Sent {
				t.Errorf("got %v, want an Error that was not sent", err)
			}
			if tt.endpoint == closed && !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("got %v, want one that unwraps to ECONNREFUSED", err)
			}
		})
	}
}

func TestClient_DoesNotSendAHostThatIsNotResolved(t *testing.T) {
	network := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
	}}
	_, err := over(t, network).CreatePurge(t.Context(), urlPurge)
	if got := edgeone.Classify(err); got != edgeone.Transient {
		t.Errorf("got %v, want transient: %v", got, err)
	}
}

func TestClient_CallsOverTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Response":{"JobId":"j"}}`)
	}))
	defer srv.Close()
	c := over(t, srv.Client().Transport, func(cfg *edgeone.Config) { cfg.Endpoint = strings.TrimPrefix(srv.URL, "https://") })
	got, err := c.CreatePurge(t.Context(), urlPurge)
	if err != nil || got.JobID != "j" {
		t.Errorf("got %q, %v, want job j", got.JobID, err)
	}
}

func TestClient_SendsNothingForAContextThatEnded(t *testing.T) {
	s := serve(t, replies(`{"Response":{"JobId":"j"}}`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.client(t).CreatePurge(ctx, urlPurge)
	if !errors.Is(err, context.Canceled) || edgeone.Classify(err) != edgeone.Transient {
		t.Errorf("got %v (%v), want a transient context.Canceled", err, edgeone.Classify(err))
	}
	if n := len(s.seen()) + len(s.sentActions()); n != 0 {
		t.Errorf("got %d requests and Sent calls, want 0", n)
	}
}

func TestClient_EndsWithItsContext(t *testing.T) {
	arrived := make(chan struct{}, 1) // one request: the handler must not wait for the test
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request, int) {
		arrived <- struct{}{}
		<-release
	})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := s.client(t).CreatePurge(ctx, urlPurge)
	if !errors.Is(err, context.Canceled) || edgeone.Classify(err) != edgeone.Ambiguous {
		t.Errorf("got %v (%v), want an ambiguous context.Canceled", err, edgeone.Classify(err))
	}
}

func TestClient_EndsWithItsContextInTheMiddleOfAnAnswer(t *testing.T) {
	release := make(chan struct{})
	begun := make(chan struct{}, 1) // one request: the handler must not wait for the test
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		_, _ = io.WriteString(w, `{"Response":`)
		_ = http.NewResponseController(w).Flush()
		begun <- struct{}{}
		<-release
	})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	_, err := s.client(t).CreatePurge(ctx, urlPurge)
	if !errors.Is(err, context.Canceled) || edgeone.Classify(err) != edgeone.Ambiguous {
		t.Errorf("got %v (%v), want an ambiguous context.Canceled", err, edgeone.Classify(err))
	}
}

func TestClient_GivesUpAfterItsTimeout(t *testing.T) {
	tests := []struct{ timeout, deadline, want time.Duration }{
		{0, time.Hour, 30 * time.Second},
		{1500 * time.Millisecond, time.Hour, 1500 * time.Millisecond},
		{10 * time.Second, 2 * time.Second, 2 * time.Second},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			silent := wire(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			})
			c := over(t, silent, func(cfg *edgeone.Config) { cfg.Timeout = tt.timeout })
			ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
			defer cancel()
			start := time.Now()
			_, err := c.CreatePurge(ctx, urlPurge)
			if got := time.Since(start); got != tt.want {
				t.Errorf("got an end after %v, want %v", got, tt.want)
			}
			if !errors.Is(err, context.DeadlineExceeded) || edgeone.Classify(err) != edgeone.Ambiguous {
				t.Errorf("got %v (%v), want an ambiguous deadline", err, edgeone.Classify(err))
			}
		})
	}
}

func TestClient_DoesNotSendABodyThatIsTooLarge(t *testing.T) {
	s := serve(t, replies(`{"Response":{"JobId":"j"}}`))
	p := urlPurge
	p.Targets = []string{"https://www.example.com/" + strings.Repeat("&", edgeone.MaxBody/6)}
	_, err := s.client(t).CreatePurge(t.Context(), p)
	if got := edgeone.Classify(err); got != edgeone.TooLarge {
		t.Errorf("got %v, want too-large: %v", got, err)
	}
	if n := len(s.seen()) + len(s.sentActions()); n != 0 {
		t.Errorf("got %d requests and Sent calls, want 0", n)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestClient_StopsReadingAnAnswerWithoutEnd(t *testing.T) {
	c := over(t, wire(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(endless{})}, nil
	}))
	_, err := c.CreatePurge(t.Context(), urlPurge)
	if got := edgeone.Classify(err); got != edgeone.Ambiguous {
		t.Errorf("got %v, want ambiguous: %v", got, err)
	}
	if want := strconv.Itoa(50 << 20); err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want the limit of %s bytes in it", err, want)
	}
}
