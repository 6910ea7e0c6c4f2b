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

// BenchmarkCanonical is the canonical form of a target of each type.
func BenchmarkCanonical(b *testing.B) {
	for kind, raw := range map[purge.Type]string{
		purge.URL:    "https://www.example.com/blog/2026/11/hello-world/",
		purge.Prefix: "https://www.example.com/blog/2026/",
		purge.Host:   "www.example.com",
		purge.Tag:    "post-4711",
	} {
		b.Run(string(kind), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := purge.Canonical(kind, raw); err != nil {
					b.Fatal(err)
				}
			}
		})
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

// BenchmarkDecode is the reading of a request alone, without the canonical form and the digest.
func BenchmarkDecode(b *testing.B) {
	for name, data := range map[string]string{
		"least":    `{"targets":["https://www.example.com/blog/2026/11/hello-world/"]}`,
		"usual":    `{"id":"post-4711-r3","zone":"zone-3fkff38fyw8s","targets":["https://www.example.com/blog/2026/11/hello-world/"]}`,
		"envelope": `{"specversion":"1.0","id":"a-1","source":"/cms","type":"purge","data":{"targets":["https://www.example.com/"]}}`,
		"garbage":  `{"targets":["https://www.example.com/blog/2026/11/hello-world/"],"zon":"zone-3fkff38fyw8s"}`,
	} {
		b.Run(name, func(b *testing.B) {
			data := []byte(data)
			kind := ""
			if name == "envelope" {
				kind = purge.EventContentType
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := purge.Decode(data, kind); (err != nil) != (name == "garbage") {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEventEncode is what it costs to tell how a request ended.
func BenchmarkEventEncode(b *testing.B) {
	completed := purge.Outcome{
		Request: "post-4711-r3", Source: "ghost", Lane: purge.Bulk, Status: purge.Completed,
		Zones: []string{"zone-3fkff38fyw8s"}, Type: purge.URL, Targets: purge.Counts{Total: 1, Succeeded: 1},
		Jobs: []string{"20ga521cpwch"}, Attempts: 1, Digest: "e3b0c44298fc1c149afbf4c8996fb924",
		Times: purge.Times{Received: changed, Submitted: changed, Finished: changed},
	}
	for name, outcome := range map[string]purge.Outcome{"completed": completed, "partial": partialOutcome()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o := outcome
				o.Bound()
				if _, err := purge.NewEvent("default", o, changed).Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEventDecode is what it costs those who read events.
func BenchmarkEventDecode(b *testing.B) {
	data, err := purge.NewEvent("default", partialOutcome(), changed).Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := purge.DecodeEvent(data); err != nil {
			b.Fatal(err)
		}
	}
}
