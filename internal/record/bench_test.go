package record_test

import (
	"testing"

	"github.com/edgepurge/edgepurge/internal/record"
)

// A job of 500 URLs is the usual one: what it costs to store it, to read it at its end, and to
// index it at a take-over, when 100,000 requests in flight must be read before the first is
// admitted.
func BenchmarkJob(b *testing.B) {
	j := plainJob(500)
	bodies, err := j.Encode(960 << 10)
	if err != nil {
		b.Fatal(err)
	}
	benchmarks := map[string]func() error{
		"encode": func() error {
			_, err := j.Encode(960 << 10)
			return err
		},
		"decode": func() error {
			_, err := record.DecodeJob(bodies[0])
			return err
		},
		"keys": func() (err error) {
			for _, err = range record.Keys(bodies[0]) {
				continue
			}
			return err
		},
	}
	for name, do := range benchmarks {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(bodies[0])))
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkProgress_Mark is one write of the record of a request of 50,000 targets.
func BenchmarkProgress_Mark(b *testing.B) {
	p := progressOf(50_000)
	data, err := p.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := record.DecodeProgress(data)
		if err != nil {
			b.Fatal(err)
		}
		for index := range 500 {
			p.Succeed(index)
		}
		if _, err := p.Encode(); err != nil {
			b.Fatal(err)
		}
		p.Counts()
	}
}
