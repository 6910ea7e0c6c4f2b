package client_test

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/purge"
)

// callers are how many goroutines call at once.
const callers = 64

func numbered(n int) purge.Request {
	return purge.Request{ID: "r" + strconv.Itoa(n), Targets: []string{"https://www.example.com/blog/2026/11/hello-world/"}}
}

// plain publishes like a program without this package that takes no answer for lost: one goroutine, JetStream's
// asynchronous publishes, the same messages.
func plain(b *testing.B, js jetstream.JetStream, from, n int) {
	b.Helper()
	for i := from; i < from+n; i++ {
		r := numbered(i)
		data, err := r.Encode()
		if err != nil {
			b.Fatal(err)
		}
		_, err = js.PublishAsync("purge.requests.bulk.ghost", data,
			jetstream.WithMsgID("ghost."+r.ID), jetstream.WithStallWait(patience))
		if err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}

func parallel(b *testing.B, c *client.Client, from, n int) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if _, err := c.Purge(b.Context(), numbered(from+i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkPublish_Plain(b *testing.B) {
	w := newWorld(b, nil)
	b.ReportAllocs()
	b.ResetTimer()
	plain(b, w.js, 0, b.N)
}

func BenchmarkPurge_Parallel(b *testing.B) {
	w := newWorld(b, nil)
	c := w.client()
	b.ReportAllocs()
	b.ResetTimer()
	parallel(b, c, 0, b.N)
}

// BenchmarkPurge_OfPlain takes turns, 50,000 of each, so that both have the same machine. It reports the speed of Purge
// from 64 goroutines as a share of that of the plain loop: the median of its rounds.
func BenchmarkPurge_OfPlain(b *testing.B) {
	const lot = 50_000
	w := newWorld(b, nil)
	c := w.client().In(purge.Bulk)
	var shares []float64
	for n := 0; b.Loop(); n += 2 * lot {
		start := time.Now()
		plain(b, w.js, n, lot)
		middle := time.Now()
		parallel(b, c, n+lot, lot)
		shares = append(shares, middle.Sub(start).Seconds()/time.Since(middle).Seconds())
	}
	slices.Sort(shares)
	b.ReportMetric(shares[len(shares)/2], "of-plain")
}
