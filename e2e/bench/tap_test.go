package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTaps_NoteCallsAndPassThemOnAsTheyCame(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("X-TC-Action") != createAction:
			_, _ = fmt.Fprintf(w, "%s %s", r.Host, body)
		case strings.Contains(string(body), "fast"):
			_, _ = io.WriteString(w, `{"Response":{"Error":{"Code":"RequestLimitExceeded"}}}`)
		default:
			_, _ = io.WriteString(w, `{"Response":{"JobId":"j1"}}`)
		}
	}))
	defer api.Close()
	taps := newTaps()
	defer taps.close()
	url, err := taps.open(2, strings.TrimPrefix(api.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if got, want := say(t, url, describeAction, "rows"), strings.TrimPrefix(url, "http://")+" rows"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	say(t, url, createAction, `{"Targets":["a","b"]}`)
	say(t, url, createAction, `{"Targets":["fast"]}`)
	api.Close()
	say(t, url, createAction, `{"Targets":["late"]}`)

	got, err := taps.creates()
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if c := &got[i]; c.arrived.Before(begin) || c.done.Before(c.arrived) {
			t.Errorf("call %d: arrived %v, done %v, after %v", i, c.arrived, c.done, begin)
		}
		got[i].arrived, got[i].done = time.Time{}, time.Time{}
	}
	want := []create{
		{worker: 2, targets: []string{"a", "b"}, job: "j1"},
		{worker: 2, targets: []string{"fast"}, code: "RequestLimitExceeded"},
		{worker: 2, targets: []string{"late"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(create{})); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if c, d := taps.count(createAction), taps.count(describeAction); c != 3 || d != 1 {
		t.Errorf("got %d creates and %d describes, want 3 and 1", c, d)
	}
	if again, err := taps.creates(); err != nil || len(again) != 3 {
		t.Errorf("again: got %d calls, %v, want the same", len(again), err)
	}
}

func say(t *testing.T, url, action, body string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-TC-Action", action)
	res, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
