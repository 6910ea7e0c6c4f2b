package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/admin"
)

// leveled is a handler with a level, and what it logs.
func leveled() (http.Handler, zap.AtomicLevel, *observer.ObservedLogs) {
	level := zap.NewAtomicLevel()
	core, logs := observer.New(level)
	s := admin.New(admin.Config{
		Ready: func() []string { return nil }, Metrics: prometheus.NewRegistry(), Level: &level,
	}, zap.New(core))
	return s.Handler(), level, logs
}

// put asks for a level as a client of this machine would, but for what change does to that.
func put(t *testing.T, h http.Handler, method, body string, change func(*http.Request)) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:7480/loglevel", strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestLevel_ChangesAndTellsSo(t *testing.T) {
	h, level, logs := leveled()
	for _, name := range []string{"debug", "error", "warn"} {
		before := level.String()
		if code, body := put(t, h, http.MethodPut, `{"level":"`+name+`"}`, nil); code != 200 || level.String() != name {
			t.Errorf("%s: got %d %q and level %s", name, code, body, level)
		}
		told := logs.TakeAll()
		if len(told) != 1 || told[0].ContextMap()["old"] != before || told[0].ContextMap()["new"] != name {
			t.Errorf("%s to %s: got %v in the log, want it told", before, name, told)
		}
	}
	// What curl -d sends is called a form, whatever it is.
	form := func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
	for body, want := range map[string]string{"level=info": "info", `{"level":"debug"}`: "debug", " {\"level\": \"error\"}\n": "error"} {
		code, said := put(t, h, http.MethodPut, body, form)
		if code != 200 || level.String() != want || strings.TrimSpace(said) != `{"level":"`+want+`"}` {
			t.Errorf("%s as a form: got %d %s and level %s, want %s", body, code, said, level, want)
		}
	}
	put(t, h, http.MethodPut, "level=info", nil)
	if code, body := put(t, h, http.MethodGet, "", nil); code != 200 || strings.TrimSpace(body) != `{"level":"info"}` {
		t.Errorf("got %d %q, want the level", code, body)
	}
}

func TestLevel_IsForThisMachineAlone(t *testing.T) {
	tests := map[string]struct {
		method, body string
		change       func(*http.Request)
		code         int
	}{
		"another machine":       {http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.RemoteAddr = "10.0.0.7:1" }, 403},
		"another machine by v6": {http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.RemoteAddr = "[2001:db8::1]:1" }, 403},
		"another asks":          {http.MethodGet, "", func(r *http.Request) { r.RemoteAddr = "10.0.0.7:1" }, 403},
		"no address":            {http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.RemoteAddr = "@" }, 403},
		"a proxy here":          {http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.7") }, 403},
		"a mesh's proxy":        {http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }, 403},
		"a name that leads here": {
			http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.Host = "rebind.example:7480" }, 403,
		},
		"localhost":    {http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.Host = "localhost:7480" }, 200},
		"by v6":        {http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:9", "[::1]:7480" }, 200},
		"v4 in v6":     {http.MethodPut, `{"level":"debug"}`, func(r *http.Request) { r.RemoteAddr = "[::ffff:127.0.0.1]:9" }, 200},
		"no level":     {http.MethodPut, `{"level":"loud"}`, nil, 400},
		"much":         {http.MethodPut, `{"level":"` + strings.Repeat(" ", 5000) + `debug"}`, nil, 400},
		"by a form":    {http.MethodPost, "level=debug", nil, 405},
		"no JSON":      {http.MethodPut, `{"level":`, nil, 400},
		"another kind": {http.MethodPut, `{"level":{}}`, nil, 400},
		"another key":  {http.MethodPut, `lvl=debug`, nil, 400},
		"nothing said": {http.MethodPut, "", nil, 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, level, _ := leveled()
			code, body := put(t, h, tt.method, tt.body, tt.change)
			if changed := level.Level() != zapcore.InfoLevel; code != tt.code || changed != (tt.code == 200) {
				t.Errorf("got %d %q and level %s, want %d", code, body, level, tt.code)
			}
			if code == 400 && !strings.Contains(body, "level=debug") {
				t.Errorf("got %q, want what to send", body)
			}
		})
	}
}
