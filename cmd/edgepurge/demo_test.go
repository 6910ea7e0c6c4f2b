package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
)

// shared is a text that one writes and another reads.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// What waits for a day that is far away ends the demo, which says so at once and at its end.
func TestDemo_EndsWhereTheQuotaIsExhausted(t *testing.T) {
	t.Parallel()
	args := "demo --json --daily-quota 100 --count 150 --task-time 100ms --batch-quota 50"
	code, out, errs := command(t, "", strings.Fields(args)...)
	var s struct {
		Requests, Completed, Failed, Pending int
		Waits                                string
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	if code != exitSome || s.Requests != 150 || s.Completed < 100 || s.Failed != 0 || s.Pending == 0 || s.Completed+s.Pending != 150 {
		t.Errorf("exit code %d, %s; want those that fit completed, the others pending", code, out)
	}
	lines := strings.Split(errs, "\n")
	said := regexp.MustCompile(`^the daily quota of 100 targets is exhausted until \S+ \(in 2\dh`)
	if !said.MatchString(lines[0]) || !said.MatchString(s.Waits) {
		t.Errorf("got %q and %q, want what is waited for, and until when", lines[0], s.Waits)
	}
	if !strings.Contains(errs, " requests wait: the daily quota") || !strings.Contains(errs, "--day 1m") {
		t.Errorf("got %q, want how many wait, and how to see them go on", errs)
	}
}

func TestDemo_RefusesATakenAddressAtOnce(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	address := taken.Addr().String()
	for _, args := range []string{
		"demo --count 1 --nats-listen " + address,
		"demo --count 1 --http-listen " + address,
		"demo --serve --nats-listen 127.0.0.1:0 --http-listen " + address,
		"emulator --listen " + address,
	} {
		code, out, errs := command(t, "", strings.Fields(args)...)
		flag := regexp.MustCompile(`--\w*-?listen ` + regexp.QuoteMeta(address)).FindString(args)
		flag, _, _ = strings.Cut(flag, " ")
		want := "edgepurge: " + address + " is taken: another program listens there; choose another address with " + flag + "\n"
		if code != exitNone || out != "" || errs != want {
			t.Errorf("%s: exit code %d, %q, %q; want 1 and %q", args, code, out, errs, want)
		}
	}
}

func TestDemo_ServesWhereItIsTold(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs shared
	ended := make(chan int, 1)
	go func() {
		args := "demo --serve --count 3 --task-time 100ms --nats-listen 127.0.0.1:0 --http-listen 127.0.0.1:0"
		ended <- execute(ctx, strings.Fields(args), strings.NewReader(""), &out, &errs)
	}()
	said := regexp.MustCompile(`NATS on (nats://127\.0\.0\.1:\d+), the emulator on (http://\S+), the status page on (http://127\.0\.0\.1:\d+/)\.`)
	until(t, "the addresses", func() bool { return strings.Contains(errs.String(), "/stats\n") })
	at := said.FindStringSubmatch(errs.String())
	if at == nil || !strings.Contains(errs.String(), "  export NATS_URL="+at[1]+" ") {
		t.Fatalf("got %q, want three addresses, and how to go there", errs.String())
	}
	nc, err := nats.Connect(at[1])
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	for _, url := range []string{at[2] + "/stats", at[3], at[3] + "livez"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		until(t, url, func() bool { // the listener of the worker comes after the list may have ended
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return false
			}
			return res.Body.Close() == nil && res.StatusCode == http.StatusOK
		})
	}
	stop()
	if code := <-ended; code != exitOK || !strings.HasPrefix(out.String(), "3 requests: 3 completed") {
		t.Errorf("exit code %d, %q", code, out.String())
	}
}
