package batcher_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

// Three requests wait for targets of one zone. The batch is put together when the pace allows a call,
// not before: the urgent target goes first, and the others fill up what room is left.
func ExampleBatcher() {
	b := batcher.New[string](batcher.Config{
		Limit:    func(batcher.Group) int { return 2 },
		Bytes:    func(target string) int { return len(target) + len(`"",`) },
		MaxBytes: 10_000_000,
		Linger:   2 * time.Millisecond, Quiet: 20 * time.Millisecond, MaxQuiet: 250 * time.Millisecond,
	})
	site := batcher.Group{Account: "main", Zone: "zone-3fkff38fyw8s", Type: purge.URL}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	b.Add(now, site, purge.Bulk, "https://www.example.com/", "nightly")
	b.Add(now, site, purge.Bulk, "https://www.example.com/about/", "nightly")
	b.Add(now, site, purge.Bulk, "https://www.example.com/", "weekly")
	b.Add(now, site, purge.Interactive, "https://www.example.com/blog/", "post-4711")

	for {
		at, ok := b.When(now)
		if !ok {
			return
		}
		fmt.Println("after", at.Sub(now))
		now = at
		for _, s := range b.Next(now).Slots {
			fmt.Println(" ", s.Target, s.Waiters)
		}
	}
	// Output:
	// after 0s
	//   https://www.example.com/blog/ [post-4711]
	//   https://www.example.com/ [nightly weekly]
	// after 20ms
	//   https://www.example.com/about/ [nightly]
}

// A batch that EdgeOne did not accept is given back, here in halves, for it was too large. What comes
// meanwhile for the same targets waits for a call of its own.
func ExampleBatcher_Return() {
	b := batcher.New[string](batcher.Config{
		Limit: func(batcher.Group) int { return 500 },
		Bytes: func(target string) int { return len(target) }, MaxBytes: 10_000_000,
	})
	site := batcher.Group{Account: "main", Zone: "zone-3fkff38fyw8s", Type: purge.Tag}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, tag := range []string{"blog", "shop", "news"} {
		b.Add(now, site, purge.Bulk, tag, "nightly")
	}

	left, right := b.Next(now).Halve()
	b.Add(now, site, purge.Interactive, "blog", "post-4711")
	b.Return(left, now)
	b.Return(right, now.Add(time.Second))
	for batch := b.Next(now); batch != nil; batch = b.Next(now) {
		for _, s := range batch.Slots {
			fmt.Println(s.Target, s.Waiters)
		}
	}
	fmt.Println(b.Waiting(), "still wait")
	// Output:
	// blog [post-4711]
	// blog [nightly]
	// 2 still wait
}

// One of the targets is bad, and EdgeOne refuses every call that carries it without saying which it
// is. It is found in a few calls, by which the others are purged.
func ExampleBatcher_Bisect() {
	b := batcher.New[string](batcher.Config{
		Limit: func(batcher.Group) int { return 500 },
		Bytes: func(target string) int { return len(target) }, MaxBytes: 10_000_000,
	})
	site := batcher.Group{Account: "main", Zone: "zone-3fkff38fyw8s", Type: purge.Host}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, host := range []string{"www", "blog", "img", "cdn", "typo", "shop", "api", "news"} {
		b.Add(now, site, purge.Bulk, host, "nightly")
	}
	for batch := b.Next(now); batch != nil; batch = b.Next(now) {
		var hosts []string
		for _, s := range batch.Slots {
			hosts = append(hosts, s.Target)
		}
		if !slices.Contains(hosts, "typo") {
			fmt.Println("accepted:", hosts)
			b.Cleared(batch)
			continue
		}
		fmt.Println("refused: ", hosts)
		if !b.Bisect(batch) {
			fmt.Println("found:   ", hosts[0])
		}
	}
	// Output:
	// refused:  [www blog img cdn typo shop api news]
	// accepted: [www blog img cdn]
	// refused:  [typo shop]
	// refused:  [typo]
	// found:    typo
	// accepted: [api news shop]
}
