package emulator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func BenchmarkCreatePurgeTask(b *testing.B) {
	for _, n := range []int{1, 1000, 5000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c, e := newClient(b, emulator.Config{})
			body, err := json.Marshal(object{"ZoneId": testZone, "Type": "purge_url", "Targets": urls(n)})
			if err != nil {
				b.Fatal(err)
			}
			r := c.request(b, "CreatePurgeTask", body)
			w := discard{http.Header{}}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(body))
				e.ServeHTTP(w, r)
			}
			if got := e.Stats(); got.Jobs != got.CreateCalls {
				b.Fatalf("got %d jobs of %d calls", got.Jobs, got.CreateCalls)
			}
		})
	}
}

// BenchmarkDescribePurgeTasks counts by status, and reads a page, over 10,000 jobs of 100 rows.
func BenchmarkDescribePurgeTasks(b *testing.B) {
	c, e := newClient(b, emulator.Config{TaskTime: time.Millisecond, Faults: map[string]float64{"task-failed": 0.01}})
	for range 10_000 {
		c.create(b, urls(100)...)
	}
	for name, p := range map[string]object{
		"count":  lastHour(1, []string{"statuses", "processing"}),
		"page":   lastHour(1000, []string{"statuses", "success"}),
		"target": lastHour(1, []string{"target", "https://www.example.com/none"}),
	} {
		b.Run(name, func(b *testing.B) {
			body, err := json.Marshal(p)
			if err != nil {
				b.Fatal(err)
			}
			r := c.request(b, "DescribePurgeTasks", body)
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(body))
				w := httptest.NewRecorder()
				e.ServeHTTP(w, r)
			}
		})
	}
}
