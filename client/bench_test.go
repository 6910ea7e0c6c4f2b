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

// each calls do for n numbers from 64 goroutines.
func each(b *testing.B, from, n int, do func(i int) error) {
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
				if err := do(from + i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// publish publishes like a program without this package that wants the answer to each, as Purge does.
func publish(b *testing.B, js jetstream.JetStream, from, n int) {
	b.Helper()
	each(b, from, n, func(i int) error {
		r := numbered(i)
		data, err := r.Encode()
		if err != nil {
			return err
		}
		_, err = js.Publish(b.Context(), "purge.requests.bulk.ghost", data, jetstream.WithMsgID("ghost."+r.ID))
		return err
	})
}

func parallel(b *testing.B, c *client.Client, from, n int) {
	b.Helper()
	each(b, from, n, func(i int) error {
		_, err := c.Purge(b.Context(), numbered(i))
		return err
	})
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

// BenchmarkPurge_OfPlain takes turns, 50,000 of each, so that all have the same machine. It reports the speed of Purge
// from 64 goroutines as a share of that of JetStream's publish from as many, and of that of its asynchronous publish,
// which has thousands under way and tells of each later: medians of the rounds.
func BenchmarkPurge_OfPlain(b *testing.B) {
	const lot = 50_000
	w := newWorld(b, nil)
	c := w.client().In(purge.Bulk)
	var ofPublish, ofAsync []float64
	for n := 0; b.Loop(); n += 3 * lot {
		start := time.Now()
		plain(b, w.js, n, lot)
		async := time.Since(start)
		publish(b, w.js, n+lot, lot)
		sync := time.Since(start) - async
		parallel(b, c, n+2*lot, lot)
		own := time.Since(start) - async - sync
		ofPublish = append(ofPublish, sync.Seconds()/own.Seconds())
		ofAsync = append(ofAsync, async.Seconds()/own.Seconds())
	}
	slices.Sort(ofPublish)
	slices.Sort(ofAsync)
	b.ReportMetric(ofPublish[len(ofPublish)/2], "of-publish")
	b.ReportMetric(ofAsync[len(ofAsync)/2], "of-async-publish")
}
