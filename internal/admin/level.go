package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// maxLevel bounds what a change of the level may be, in bytes.
const maxLevel = 1024

// level tells the log level, and changes it, as zap does: GET, or PUT of {"level":"debug"}. Whoever can
// change it can blind those who look at the log, so that only this machine may, and no browser on it for
// another's page.
func (s *Server) level(w http.ResponseWriter, r *http.Request) {
	if why := notLocal(r); why != "" {
		text(w, http.StatusForbidden, why)
		return
	}
	level := s.cfg.Level
	before := level.Level()
	r.Body = http.MaxBytesReader(w, r.Body, maxLevel)
	level.ServeHTTP(w, r)
	after := level.Level()
	if after == before {
		return
	}
	level.SetLevel(min(before, after, zapcore.InfoLevel)) // so that the change itself is told
	s.log.Info("log level changed", zap.Stringer("old", before), zap.Stringer("new", after))
	level.SetLevel(after)
}

// notLocal says why a request is not taken for one of this machine, empty when it is. A proxy on this
// machine speaks for others; a name in Host may be anybody's that leads here.
func notLocal(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().IsLoopback() {
		return "only this machine may ask for the log level: use 127.0.0.1"
	}
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") {
			return "the log level is not for those behind a proxy"
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil && !strings.EqualFold(host, "localhost") {
		return "only this machine may ask for the log level: use 127.0.0.1 in the URL"
	}
	return ""
}
