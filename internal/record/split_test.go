package record_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// fullRequest has every field as long as it gets.
func fullRequest(i int) record.Request {
	long := time.Date(2026, 11, 22, 10, 0, 0, 123_456_789, time.FixedZone("", 23*3600+59*60))
	return record.Request{
		Source: strings.Repeat("s", 32), ID: fmt.Sprintf("%064d", i), Lane: purge.Interactive, Type: purge.Prefix,
		Digest: strings.Repeat("d", 32), Total: 999_999, Requested: long, Received: long,
	}
}

// fragments gives a share so many runs of one target each, at late indexes.
func fragments(s *record.Share, targets int) {
	for i := range targets {
		s.Add(i, 900_000+2*i)
	}
}

// Every estimate of a size must hold, also where nothing but that one thing makes up the part.
func TestJob_EstimatesNoSizeTooSmall(t *testing.T) {
	tests := map[string]func(j *record.Job){
		"head": func(j *record.Job) {
			j.Account, j.Zone, j.ID = strings.Repeat("a", 64), "zone-"+strings.Repeat("z", 64), strings.Repeat("j", 64)
			j.Type, j.Method, j.Rows = purge.Tag, "invalidate", 999_999
			j.Submitted, j.Created = fullRequest(0).Received, fullRequest(0).Received
			j.Targets = []string{strings.Repeat("x", 600)}
			j.Shares[0].Add(0, 0)
		},
		"hosts": func(j *record.Job) {
			j.Targets = []string{"x"}
			j.Shares[0].Add(0, 0)
			for i := range 150 {
				j.Hosts = append(j.Hosts, fmt.Sprint("\x01\xff", i))
			}
		},
		"shares": func(j *record.Job) {
			j.Targets, j.Shares = []string{"x"}, nil
			for i := range 40 {
				s := record.Share{Request: fullRequest(i), Attempts: 99, MultiJob: true}
				s.Add(0, 999_998)
				j.Shares = append(j.Shares, s)
			}
		},
		"labels": func(j *record.Job) {
			j.Targets = []string{"x"}
			j.Shares[0].Add(0, 0)
			j.Shares[0].Labels = map[string]string{"k": strings.Repeat("\x01", 256), strings.Repeat("<", 64): "\xff\xff\xff"}
		},
		"control characters": func(j *record.Job) { repeat(j, strings.Repeat("\x01", 200)) },
		"line separators":    func(j *record.Job) { repeat(j, strings.Repeat("\u2028", 200)) },
		"quotes":             func(j *record.Job) { repeat(j, strings.Repeat(`"`, 200)) },
		"backslashes":        func(j *record.Job) { repeat(j, strings.Repeat(`\`, 200)) },
		"no UTF-8":           func(j *record.Job) { repeat(j, strings.Repeat("\xff\xc3", 200)) },
		"ampersands":         func(j *record.Job) { repeat(j, strings.Repeat("&<>", 200)) },
		"tiny targets": func(j *record.Job) {
			for i := range 400 {
				j.Targets = append(j.Targets, strconv.Itoa(i))
			}
			fragments(&j.Shares[0], 400)
		},
		"runs": func(j *record.Job) {
			for i := range 100 {
				j.Targets = append(j.Targets, strconv.Itoa(i))
			}
			j.Shares = nil
			for i := range 20 {
				s := record.Share{Request: record.Request{Source: "ghost", ID: strconv.Itoa(i), Total: 999_999}}
				fragments(&s, 100)
				j.Shares = append(j.Shares, s)
			}
		},
		"settled": func(j *record.Job) {
			j.Targets = []string{"x"}
			j.Shares[0].Add(0, 0)
			for i := range 200 {
				j.Shares[0].EarlierFailures = append(j.Shares[0].EarlierFailures, record.Failure{Index: 900_000 + i, Reason: "r", Field: "f"})
			}
		},
	}
	for name, fill := range tests {
		t.Run(name, func(t *testing.T) {
			j := &record.Job{Shares: []record.Share{{Request: fullRequest(0)}}}
			fill(j)
			size := len(encoded(t, j, roomy)[0])
			one := 0
			for limit := size / 3; limit < 3*size+1000; limit += 1 + size/100 {
				bodies, err := j.Encode(limit)
				if err != nil {
					continue
				}
				for i, body := range bodies {
					if len(body) > limit {
						t.Fatalf("got %d bytes in part %d of %d, want at most %d", len(body), i, len(bodies), limit)
					}
				}
				if one == 0 && len(bodies) == 1 {
					one = limit
				}
			}
			if one == 0 || one < size {
				t.Errorf("got one part of %d bytes with a limit of %d, want it with at most three times that", size, one)
			}
		})
	}
}

// repeat gives the job twenty targets that begin with a text.
func repeat(j *record.Job, text string) {
	for i := range 20 {
		j.Targets = append(j.Targets, fmt.Sprint(text, i))
		j.Shares[0].Add(i, i)
	}
}
