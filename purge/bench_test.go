package purge_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

// BenchmarkDecodeCanonicalDigest is what admission costs: at tens of thousands of requests a second on one core, no more
// than 3 µs for a request of one URL.
func BenchmarkDecodeCanonicalDigest(b *testing.B) {
	const format = `{"id":"post-4711-r3","zone":"zone-3fkff38fyw8s","type":"url","targets":[%s],"time":"2026-11-22T10:00:00Z"}`
	const target = `"https://www.example.com/blog/2026/11/hello-world/"`
	for _, targets := range []int{1, 500} {
		list := bytes.Repeat([]byte(target+","), targets)
		data := fmt.Appendf(nil, format, list[:len(list)-1])
		b.Run(fmt.Sprintf("targets=%d", targets), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				admit(b, data)
			}
		})
	}
}

func admit(b *testing.B, data []byte) {
	b.Helper()
	r, err := purge.Decode(data, "")
	if err != nil {
		b.Fatal(err)
	}
	for _, target := range r.Targets {
		if _, err := purge.Canonical(r.Type, target); err != nil {
			b.Fatal(err)
		}
	}
	if r.Digest() == "" {
		b.Fatal("no digest")
	}
}

func BenchmarkCanonicalURL(b *testing.B) {
	for name, raw := range map[string]string{
		"canonical": "https://www.example.com/blog/2026/11/hello-world/",
		"encoded":   "HTTPS://WWW.Example.com:443/blog/héllo world#top",
		"punycode":  "https://bücher.example/",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := purge.CanonicalURL(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEventEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		o := partialOutcome()
		o.Bound()
		if _, err := purge.NewEvent("default", o, changed).Encode(); err != nil {
			b.Fatal(err)
		}
	}
}
