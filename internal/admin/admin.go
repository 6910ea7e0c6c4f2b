// Package admin is the HTTP listener for those who operate edgepurge: health, readiness, metrics, and a
// page that shows how things are.
//
// `/livez` says that the process runs and depends on nothing outside; `/readyz` is 503 with the reasons
// while something outside keeps it from working; `/metrics` is for Prometheus; `/` is for people, and
// names the others. It reads the state that it is given and changes nothing, but for `/loglevel`, which
// only this machine may ask.
package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// listenAgain is how long after a failure the address is tried again.
	listenAgain = 5 * time.Second
	// readWithin and writeWithin bound a request and its answer as a whole, so that a peer that is slow holds no
	// connection for ever. The largest answer, /metrics with 100 zones, has less than 1 MB. A path that streams
	// sets its own deadlines, by http.ResponseController.
	readWithin  = 10 * time.Second
	writeWithin = 30 * time.Second
)

// ServerName is the value of the header Server in every answer: it tells `edgepurge health` that a worker answers.
const ServerName = "edgepurge"

// Config says what to serve, and where. The functions must not block.
type Config struct {
	Addr              string
	Instance, Version string
	Ready             func() []string // the reasons why the process is not ready, none when it is
	Notes             func() []string // what is wrong, and keeps the process from nothing; nil: there is none
	State             func() metrics.State
	Metrics           prometheus.Gatherer
	Level             *zap.AtomicLevel // nil: it can't be changed
}

// Server serves on one address.
type Server struct {
	cfg         Config
	log         *zap.Logger
	writeWithin time.Duration
}

// New makes a Server.
func New(cfg Config, log *zap.Logger) *Server { return &Server{cfg, log, writeWithin} }

// Run serves until the context ends. An address that is taken is a warning, tried again: the work
// does not wait for its observers. An empty address serves nothing.
func (s *Server) Run(ctx context.Context) error {
	if s.cfg.Addr == "" {
		return nil
	}
	taken := trouble.New(s.log).On("no health and metrics, trying again", "", zap.String("listen", s.cfg.Addr))
	for {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Addr)
		if err == nil {
			taken.Over()
			err = s.serve(ctx, l)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the context ended: a clean stop
		}
		taken.Failed(err)
		if !wait.Sleep(ctx, listenAgain) {
			return nil
		}
	}
}

func (s *Server) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readWithin, WriteTimeout: s.writeWithin,
		IdleTimeout: time.Minute,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	s.log.Info("health and metrics", zap.String("listen", l.Addr().String()))
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", s.cfg.Addr, err)
	}
	return nil
}

// Handler answers the paths.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if reasons := s.cfg.Ready(); len(reasons) > 0 {
			text(w, http.StatusServiceUnavailable, strings.Join(reasons, "\n"))
			return
		}
		lines := []string{"ok"}
		if s.cfg.Notes != nil {
			for _, note := range s.cfg.Notes() {
				lines = append(lines, "note: "+note)
			}
		}
		text(w, http.StatusOK, strings.Join(lines, "\n"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.cfg.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /{$}", s.front)
	if s.cfg.Level != nil {
		mux.HandleFunc("/loglevel", s.level)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", ServerName)
		mux.ServeHTTP(w, r)
	})
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, body)
}
