package edgeone_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/goleak"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	testID    = "AKIDtestonly0000"
	testKey   = "key-for-tests-only"
	testToken = "token-for-tests-only-0123456789"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// received is one request as the server saw it.
type received struct {
	method, host, path string
	header             http.Header
	body               []byte
}

// server is a loopback API that notes what it is sent.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
	sent     []string
}

// serve returns a server that answers with answer, whose n counts requests from 1.
func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		s.mu.Lock()
		s.requests = append(s.requests, received{r.Method, r.Host, r.URL.Path, r.Header.Clone(), body})
		n := len(s.requests)
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r, n)
	}))
	t.Cleanup(s.Close)
	return s
}

// replies answers with bodies in order, and with the last of them from then on.
func replies(bodies ...string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, n int) {
		_, _ = io.WriteString(w, bodies[min(n, len(bodies))-1])
	}
}

func bodyOf(r *http.Request) []byte {
	body, _ := io.ReadAll(r.Body) // from memory
	return body
}

// client returns a client of s that notes what it sends.
func (s *server) client(t *testing.T, edit ...func(*edgeone.Config)) *edgeone.Client {
	t.Helper()
	cfg := edgeone.Config{
		Credentials: common.NewTokenCredential(testID, testKey, testToken),
		Endpoint:    s.URL,
		Timeout:     10 * time.Second,
		Sent: func(action string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.sent = append(s.sent, action)
		},
	}
	for _, e := range edit {
		e(&cfg)
	}
	c, err := edgeone.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func (s *server) seen() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *server) sentActions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// wire is a network in a function.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// over returns a client whose network is w.
func over(t testing.TB, w http.RoundTripper, edit ...func(*edgeone.Config)) *edgeone.Client {
	t.Helper()
	cfg := edgeone.Config{Credentials: common.NewTokenCredential(testID, testKey, testToken)}
	for _, e := range edit {
		e(&cfg)
	}
	c, err := edgeone.NewOver(cfg, w)
	if err != nil {
		t.Fatalf("NewOver: %v", err)
	}
	return c
}

// answering is a network that gives one answer to everything.
func answering(status int, body string) wire {
	return func(r *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		rec.WriteHeader(status)
		_, _ = rec.WriteString(body)
		res := rec.Result()
		res.Request = r
		return res, nil
	}
}

var urlPurge = edgeone.Purge{
	Zone: "zone-1", Type: purge.URL, Targets: []string{"https://www.example.com/a"},
}
