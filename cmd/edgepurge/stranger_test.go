package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// stranger listens, and does something with each connection. It returns the address.
func stranger(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				// The client library of NATS may leave a connection open that it gave up while it was closed.
				defer context.AfterFunc(t.Context(), func() { _ = c.Close() })()
				do(c)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

// silent accepts a connection and says nothing until the other side closes it.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// says greets with a text, as no server of HTTP does.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		silent(c)
	}
}

// answers sends a text once it has a request of HTTP.
func answers(text string) func(net.Conn) {
	return func(c net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(c, text)
		}
	}
}

func TestCommands_WhereNoNATSServerListens(t *testing.T) {
	const advice = "name the NATS server with NATS_URL"
	silentAt := stranger(t, silent)
	for name, c := range map[string]struct{ address, want string }{
		"silent": {silentAt, "it accepts the connection and says nothing; " + advice},
		"two":    {silentAt + "," + stranger(t, silent), "says nothing; " + advice},
		"http":   {stranger(t, says("HTTP/1.1 400 Bad Request\r\n\r\n")), "says something else; " + advice},
		"closes": {stranger(t, func(net.Conn) {}), "closes it; " + advice},
		"nobody": {"127.0.0.1:1", "nobody listens on 127.0.0.1:1; start a NATS server there"},
		"name":   {"nobody.invalid:4222", `"nobody.invalid"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := file(t, "nats: {url: \""+c.address+"\"}\n") // a variable would be everybody's
			start := time.Now()
			code, _, errs := away(t, "events", "--config", config)
			first, _, _ := strings.Cut(c.address, ",")
			if code != exitNone || !strings.Contains(errs, first) || !strings.Contains(errs, c.want) || goText.MatchString(errs) ||
				strings.Contains(errs, "not connected") || strings.Count(errs, "\n") != 1 {
				t.Errorf("exit code %d, %q; want %q", code, errs, c.want)
			}
			// Without a bound of its own an attempt takes 5 s, and a second one as long.
			if took := time.Since(start); took > 4500*time.Millisecond {
				t.Errorf("took %s with --connect-timeout 1s", took)
			}
		})
	}
}

func TestHealth_WhereNoWorkerListens(t *testing.T) {
	t.Setenv("NATS_URL", "")
	other := stranger(t, answers("HTTP/1.1 200 OK\r\nServer: other\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"))
	for name, c := range map[string]struct{ address, want string }{
		"200":    {other, "not an edgepurge worker: it answers GET /readyz with HTTP status 200 and \"ok\""},
		"404":    {stranger(t, answers("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")), "HTTP status 404"},
		"503":    {stranger(t, answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")), "HTTP status 503"},
		"nats":   {stranger(t, says("INFO {\"server_id\":\"x\"} \r\n")), "a NATS server listens on "},
		"other":  {stranger(t, says("220 mail.example ESMTP\r\n")), "is not an edgepurge worker: it does not answer in HTTP"},
		"silent": {stranger(t, silent), "accepts the connection and says nothing"},
		"stalls": {stranger(t, func(c net.Conn) {
			says("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\no")(c)
			silent(c)
		}), "says nothing within 3s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("EDGEPURGE_HTTP_LISTEN", c.address)
			code, out, errs := command(t, "", "health")
			if code != exitNone || out != "" || !strings.Contains(errs, c.address) || !strings.Contains(errs, c.want) ||
				!strings.Contains(errs, "EDGEPURGE_HTTP_LISTEN") || goText.MatchString(errs) || strings.Contains(errs, "malformed") {
				t.Errorf("exit code %d, %q, %q; want %q", code, out, errs, c.want)
			}
		})
	}
}
