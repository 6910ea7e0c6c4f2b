package natstest

import (
	"crypto/rand"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// patience bounds every wait: long enough for two loaded cores under the race detector.
const patience = 2 * time.Minute

// Server is a NATS server that can be stopped and started again. Its URL, address and token stay the same.
type Server struct {
	// Server is the one that runs, or ran last.
	*server.Server

	URL     string // with the token in it: all that a client needs, unless the options have users
	Address string // host:port
	Token   string // empty where the options have users

	t    testing.TB
	opts server.Options
}

// Start runs a server until the end of the test, which fails when the server does not get ready. What change does to the
// options goes, as long as they leave it on loopback.
func Start(t testing.TB, change func(*server.Options)) *Server {
	t.Helper()
	s := &Server{t: t, opts: server.Options{
		ServerName: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(),
	}}
	if change != nil {
		change(&s.opts)
	}
	if len(s.opts.Users) == 0 && len(s.opts.Accounts) == 0 && s.opts.Authorization == "" {
		s.opts.Authorization = rand.Text()
	}
	s.Start()
	t.Cleanup(s.Stop)
	s.Address, s.Token = s.Addr().String(), s.opts.Authorization
	address := url.URL{Scheme: "nats", Host: s.Address}
	if s.Token != "" {
		address.User = url.User(s.Token)
	}
	s.URL = address.String()
	if a, ok := s.Addr().(*net.TCPAddr); ok {
		s.opts.Port = a.Port
	}
	return s
}

// Start runs a server that was stopped: at its old address, with what it had stored.
func (s *Server) Start() {
	s.t.Helper()
	for late := time.Now().Add(patience); ; {
		opts := s.opts // the server writes to them
		next, err := server.NewServer(&opts)
		if err != nil {
			s.t.Fatalf("make a nats server: %v", err)
		}
		next.Start() // does not block, and has no address when the port is taken
		if next.Addr() != nil && next.ReadyForConnections(patience) {
			s.Server = next
			return
		}
		next.Shutdown()
		next.WaitForShutdown()
		if time.Now().After(late) {
			s.t.Fatalf("nats is not ready, or somebody has had its port %d for %v", s.opts.Port, patience)
		}
		select { // a connection may have got the port, or the server of another test, which ends
		case <-s.t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the server, and returns once nobody listens any more. The test fails when that takes too long.
func (s *Server) Stop() {
	s.t.Helper()
	ended, last := make(chan struct{}), s.Server
	go func() {
		defer close(ended)
		last.Shutdown()
		last.WaitForShutdown()
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		s.t.Fatalf("nats has not stopped within %v", patience)
	}
}
