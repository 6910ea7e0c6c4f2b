package zone_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/zone"
)

var one = []site{{id: "zone-a", domains: []string{"www.example.com"}}}

const host, strange = "www.example.com", "www.example.net"

func TestFinder_IsPendingUntilTheZonesAreRead(t *testing.T) {
	inBubble(t, nil, one, func(t *testing.T, b *bench) {
		b.account.slow(time.Minute)
		pass(time.Minute)
		if got := b.account.readings(); len(got) != 0 {
			t.Errorf("the zones were read at %v, before anybody asked", got)
		}
		b.finds(t, host, "", zone.ErrPending)
		pass(time.Minute)
		b.finds(t, host, "", zone.ErrPending) // the zones are known, their domains are not
		b.finds(t, strange, "", zone.ErrPending)
		if b.updated() {
			t.Error("Updated spoke before the reading had ended")
		}
		b.account.slow(0)
		pass(time.Minute)
		if !b.updated() {
			t.Error("Updated did not tell that the reading has ended")
		}
		b.finds(t, host, "zone-a", nil)
		b.finds(t, strange, "", zone.ErrUnknown)
	})
}

func TestFinder_LooksAgainForWhatItDoesNotKnow(t *testing.T) {
	two := append([]site{{id: "zone-b", domains: []string{host}}}, one...)
	tests := []struct {
		name    string
		sites   []site
		host    string
		err     error
		later   []site
		want    string
		wantErr error
	}{
		{"a new zone", one, strange, zone.ErrUnknown, []site{{id: "zone-n", domains: []string{strange}}}, "zone-n", nil},
		{"still unknown", one, strange, zone.ErrUnknown, one, "", zone.ErrUnknown},
		{"not ambiguous any more", two, host, zone.ErrAmbiguous, one, "zone-a", nil},
		{"still ambiguous", two, host, zone.ErrAmbiguous, two, "", zone.ErrAmbiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, tt.sites, func(t *testing.T, b *bench) {
				b.read(t)
				b.account.set(nil, tt.later...)
				b.account.slow(time.Millisecond)
				pass(30 * time.Second)
				b.finds(t, tt.host, "", tt.err) // the reading is young enough
				pass(time.Second)
				if got := len(b.account.readings()); got != 1 {
					t.Errorf("%d readings, want 1", got)
				}
				b.finds(t, tt.host, "", zone.ErrPending)
				pass(time.Second)
				if !b.updated() {
					t.Error("Updated did not tell of the second reading")
				}
				b.finds(t, tt.host, tt.want, tt.wantErr)
				if got := len(b.account.readings()); got != 2 {
					t.Errorf("%d readings, want 2", got)
				}
			})
		})
	}
}

func TestFinder_RefreshesInTheBackground(t *testing.T) {
	inBubble(t, nil, one, func(t *testing.T, b *bench) {
		b.read(t)
		b.account.set(nil, site{id: "zone-new", domains: []string{host}})
		pass(10 * time.Minute)
		b.finds(t, host, "zone-a", nil)
		pass(time.Second)
		if got := len(b.account.readings()); got != 1 {
			t.Errorf("%d readings after ten minutes, want 1", got)
		}
		b.finds(t, host, "zone-a", nil) // known as it was, while it is read anew
		pass(time.Second)
		b.finds(t, host, "zone-new", nil)
		if got := len(b.account.readings()); got != 2 {
			t.Errorf("%d readings, want 2", got)
		}
	})
}

func TestFinder_ForgetsNothingWhileTheAPIIsAway(t *testing.T) {
	inBubble(t, nil, one, func(t *testing.T, b *bench) {
		b.read(t)
		b.account.set(errAway)
		pass(time.Hour)
		b.finds(t, host, "zone-a", nil)
		pass(time.Minute)
		b.finds(t, host, "zone-a", nil)
		b.finds(t, strange, "", zone.ErrPending)
		if b.updated() {
			t.Error("Updated spoke of readings that failed")
		}
		b.account.set(nil, one...)
		for range 46 { // the longest wait between two tries, and a little
			if pass(time.Second); b.updated() {
				break
			}
		}
		b.finds(t, strange, "", zone.ErrUnknown)
	})
}

func TestFinder_TriesAgainWhatFailed(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		sites []site
	}{
		{"away", errAway, nil},
		{"of bad credentials", errBadKey, nil},
		{"for a reason that is not known", errOdd, nil},
		{"of bad credentials, at the second zone", nil, []site{one[0], {id: "zone-b", err: errBadKey}}},
		{"away for the second zone", nil, []site{one[0], {id: "zone-b", err: errAway}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, nil, func(t *testing.T, b *bench) {
				b.account.set(tt.err, tt.sites...)
				b.finds(t, host, "", zone.ErrPending)
				for range 10 {
					pass(time.Second)
					b.finds(t, host, "", zone.ErrPending)
				}
				pass(10 * time.Second)
				readings := b.account.readings()
				for i, wait := 1, 200*time.Millisecond; i < len(readings); i, wait = i+1, 2*wait {
					// Twice as long each time, with half of it as jitter.
					if got := readings[i] - readings[i-1]; got < wait/2 || got > wait*3/2 {
						t.Errorf("reading %d begins %v after the last, want about %v", i, got, wait)
					}
				}
				if n := len(readings); n < 5 || n > 10 {
					t.Errorf("%d readings in 20 s, want about 7", n)
				}
				if b.updated() {
					t.Error("Updated spoke of readings that failed")
				}
				if got := b.logs.Len(); got != 1 {
					t.Errorf("%d warnings of %d readings, want one: the next is due after a minute", got, len(readings))
				}
				b.account.set(nil, one...)
				pass(45 * time.Second) // nobody asks: requests wait for it
				if !b.updated() {
					t.Error("Updated did not tell that the reading has ended")
				}
				b.finds(t, host, "zone-a", nil)
				pass(time.Hour)
				if got, want := len(b.account.readings()), len(readings)+1; got != want {
					t.Errorf("%d readings, want %d: it has succeeded", got, want)
				}
			})
		})
	}
}

func TestFinder_IsQuickToTryAgainAfterASuccess(t *testing.T) {
	inBubble(t, nil, one, func(t *testing.T, b *bench) {
		b.account.set(errAway)
		b.finds(t, host, "", zone.ErrPending)
		pass(10 * time.Minute) // the waits have grown
		b.account.set(nil, one...)
		pass(time.Minute)
		b.finds(t, host, "zone-a", nil)
		b.account.set(errAway)
		pass(time.Hour)
		before := len(b.account.readings())
		b.finds(t, host, "zone-a", nil) // stale: it is read again
		pass(time.Second)
		if got := len(b.account.readings()) - before; got < 2 {
			t.Errorf("%d readings in the first second of another failure, want 2 or more", got)
		}
	})
}

// The questions that come until a reading begins share it, and those that come after, another.
func TestFinder_ManyQuestionsMakeFewReadings(t *testing.T) {
	inBubble(t, nil, one, func(t *testing.T, b *bench) {
		b.account.slow(time.Second)
		for range 100 {
			go func() { _, _ = b.Find(host) }()
		}
		pass(10 * time.Second)
		if got := len(b.account.readings()); got < 1 || got > 2 {
			t.Errorf("%d readings, want 1 or 2", got)
		}
		b.finds(t, host, "zone-a", nil)
	})
}

// A question that comes while the zones are read may be about one that is new since.
func TestFinder_ReadsAgainForAQuestionDuringAReading(t *testing.T) {
	inBubble(t, nil, one, func(t *testing.T, b *bench) {
		b.account.slow(10 * time.Second)
		b.finds(t, host, "", zone.ErrPending)
		pass(time.Second)
		b.finds(t, host, "", zone.ErrPending)
		pass(time.Minute)
		if got := len(b.account.readings()); got != 2 {
			t.Errorf("%d readings, want 2", got)
		}
	})
}

func TestFinder_RunEndsWithTheContext(t *testing.T) {
	tests := []struct {
		name  string
		setup func(*bench)
	}{
		{"idle", func(*bench) {}},
		{"in a call", func(b *bench) { b.account.slow(time.Hour) }},
		{"between tries", func(b *bench) { b.account.set(errAway) }},
		{"after a refusal", func(b *bench) { b.account.set(nil, site{id: "zone-b", err: errRefused}) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, one...)
				tt.setup(b)
				if tt.name != "idle" {
					_, _ = b.Find(host)
				}
				pass(time.Second)
				before := time.Now()
				b.stop(t)
				if took := time.Since(before); took != 0 {
					t.Errorf("Run ended %v after its context, want at once", took)
				}
				if tt.name == "in a call" && (b.updated() || b.logs.Len() != 0) {
					t.Error("a reading that was cut short was told")
				}
			})
		})
	}
}

// overEmulator makes a Finder over the emulator, by HTTP; its Run ends with the test.
func overEmulator(t *testing.T, version string, zones map[string][]string) *bench {
	t.Helper()
	e, err := emulator.New(emulator.Config{Zones: zones})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	client, err := edgeone.New(edgeone.Config{
		Credentials: common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), Endpoint: server.URL,
		Version: version,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	f := zone.New(client, nil, func(context.Context) error { return nil }, zap.NewNop())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1) // room for the result, so that it never blocks
	go func() { done <- f.Run(ctx) }()
	b := &bench{Finder: f, cancel: cancel, done: done}
	t.Cleanup(func() { b.stop(t) })

	if _, err := f.Find(host); !errors.Is(err, zone.ErrPending) {
		t.Fatalf("got %v before the zones were read, want pending", err)
	}
	select {
	case <-f.Updated():
	case <-time.After(time.Minute):
		t.Fatalf("the zones were not read; stats %+v", e.Stats())
	}
	return b
}

func TestFinder_ReadsTheEmulator(t *testing.T) {
	zones := map[string][]string{"zone-wide": {"*.wide.example", "wide.example"}}
	for i := range 110 { // more than a page of zones
		zones[fmt.Sprintf("zone-%d", i)] = []string{fmt.Sprintf("www.site-%d.example", i), "shared.example"}
	}
	f := overEmulator(t, "2022-09-01", zones)
	for name, want := range map[string]string{
		"www.site-0.example": "zone-0", "www.site-109.example": "zone-109",
		"wide.example": "zone-wide", "a.b.wide.example": "zone-wide", "shared.example": "", "other.example": "",
	} {
		wantErr := map[string]error{"shared.example": zone.ErrAmbiguous, "other.example": zone.ErrUnknown}[name]
		if got, err := f.Find(name); got != want || !errors.Is(err, wantErr) {
			t.Errorf("zone of %s is %q, %v; want %q, %v", name, got, err, want, wantErr)
		}
	}
}

// The older version of the API has no action that tells the domains of a zone.
func TestFinder_SaysWhatTheOlderVersionLacks(t *testing.T) {
	f := overEmulator(t, "2022-01-06", map[string][]string{"zone-a": {"www.example.com"}})
	f.refuses(t, host, "no zone is known to serve this host, and zone zone-a could not be read: the API version can't do it: "+
		"2022-01-06 has no DescribeAccelerationDomains"+advice)
}
