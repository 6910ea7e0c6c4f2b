package admin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// maxLevel bounds what a change of the level may be, in bytes.
const maxLevel = 1024

// level reports the log level to GET, and changes it by PUT of {"level":"debug"} or level=debug, whatever the content
// type says: curl -d calls everything a form. Whoever can change the level can blind those who look at the log, so that
// only this machine may, and no browser on it for another's page.
func (s *Server) level(w http.ResponseWriter, r *http.Request) {
	if why := notLocal(r); why != "" {
		text(w, http.StatusForbidden, why)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPut:
		level, why := readLevel(w, r)
		if why != "" {
			answer(w, http.StatusBadRequest, map[string]string{"error": why})
			return
		}
		s.setLevel(level)
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT")
		answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "use GET, or PUT to change the level"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"level": s.cfg.Level.String()})
}

// setLevel changes the level, and logs that whatever the level was and is.
func (s *Server) setLevel(after zapcore.Level) {
	level := s.cfg.Level
	before := level.Level()
	if after == before {
		return
	}
	level.SetLevel(min(before, after, zapcore.InfoLevel))
	s.log.Info("log level changed", zap.Stringer("old", before), zap.Stringer("new", after))
	level.SetLevel(after)
}

// readLevel returns the level that a request asks for, or why it names none.
func readLevel(w http.ResponseWriter, r *http.Request) (level zapcore.Level, why string) {
	const form = `; send {"level":"debug"} or level=debug, with debug, info, warn or error`
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLevel))
	if err != nil {
		return 0, "the body can't be read, or is larger than " + strconv.Itoa(maxLevel) + " bytes" + form
	}
	var said struct{ Level string }
	if body = bytes.TrimSpace(body); bytes.HasPrefix(body, []byte("{")) {
		err = json.Unmarshal(body, &said)
	} else {
		var values url.Values
		values, err = url.ParseQuery(string(body))
		said.Level = cmp.Or(values.Get("level"), r.URL.Query().Get("level"))
	}
	if err != nil || said.Level == "" {
		return 0, "the request names no level" + form
	}
	if level, err = zapcore.ParseLevel(said.Level); err != nil {
		return 0, strconv.QuoteToASCII(said.Level) + " is not a level" + form
	}
	return level, ""
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
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
