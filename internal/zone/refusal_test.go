package zone_test

import (
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/zone"
)

const advice = "; name the zone in the request or in edgeone.zones"

func TestFinder_SaysThatTheZonesMayNotBeListed(t *testing.T) {
	noPermission := &edgeone.Error{Action: "DescribeZones", Code: "AuthFailure.UnauthorizedOperation", Sent: true}
	tooLarge := &edgeone.Error{Action: "DescribeZones", Message: "too many", Sent: true, Status: 413}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errRefused, "UnauthorizedOperation.NoPermission"},
		{noPermission, "AuthFailure.UnauthorizedOperation"},
		{errGone, "InvalidAction"},
		{tooLarge, "too many"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			want := "the zones could not be listed: " + tt.want + advice
			inBubble(t, map[string]string{"mine.example.com": "zone-c"}, nil, func(t *testing.T, b *bench) {
				b.account.set(tt.err)
				b.read(t) // pending until EdgeOne has refused, and told then
				b.refuses(t, host, want)
				b.finds(t, "mine.example.com", "zone-c", nil)
				pass(30 * time.Second)
				b.refuses(t, strange, want)
				if got := len(b.account.readings()); got != 1 || b.logs.Len() != 1 {
					t.Errorf("%d readings and %d warnings in 30s, want 1", got, b.logs.Len())
				}
			})
		})
	}
}

func TestFinder_LooksAgainAfterARefusal(t *testing.T) {
	inBubble(t, nil, nil, func(t *testing.T, b *bench) {
		b.account.set(errRefused)
		b.read(t)
		for range 10 {
			pass(31 * time.Second)
			b.finds(t, host, "", zone.ErrPending) // until it is read again
			pass(0)
			for range 10 {
				b.finds(t, host, "", zone.ErrUnknown)
				b.finds(t, strange, "", zone.ErrUnknown)
			}
		}
		if got := len(b.account.readings()); got != 11 {
			t.Errorf("%d readings, want 11: one at first, and one each 31s", got)
		}
		b.account.set(nil, one...)
		pass(31 * time.Second)
		b.finds(t, host, "", zone.ErrPending)
		pass(0)
		b.finds(t, host, "zone-a", nil)
		b.refuses(t, strange, zone.ErrUnknown.Error())

		b.account.set(errRefused) // what was known stays
		pass(31 * time.Second)
		b.finds(t, strange, "", zone.ErrPending)
		pass(0)
		b.finds(t, host, "zone-a", nil)
		b.refuses(t, strange, "the zones could not be listed: UnauthorizedOperation.NoPermission"+advice)

		b.account.set(errAway) // a failure is no refusal
		pass(31 * time.Second)
		b.finds(t, strange, "", zone.ErrPending)
		pass(time.Hour)
		b.finds(t, strange, "", zone.ErrPending)
		b.finds(t, host, "zone-a", nil)
	})
}

// Nobody waits for a zone that is refused, so that nothing is read until somebody asks.
func TestFinder_ReadsNothingUnaskedAfterARefusal(t *testing.T) {
	inBubble(t, nil, nil, func(t *testing.T, b *bench) {
		b.account.set(errRefused)
		b.read(t)
		pass(time.Hour)
		if got := len(b.account.readings()); got != 1 {
			t.Errorf("%d readings, want 1", got)
		}
	})
}

func TestFinder_KeepsHostsPendingHoweverLongTheAPIFails(t *testing.T) {
	for name, err := range map[string]error{"away": errAway, "credentials": errBadKey} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, nil, func(t *testing.T, b *bench) {
				b.account.set(err)
				for range 60 {
					b.finds(t, host, "", zone.ErrPending)
					pass(10 * time.Second)
				}
				b.account.set(nil, one...)
				pass(time.Minute)
				b.finds(t, host, "zone-a", nil)
			})
		})
	}
}

func TestFinder_OneRefusedZoneHarmsNoOther(t *testing.T) {
	refused := site{id: "zone-b", err: errRefused}
	sites := []site{
		refused, one[0],
		{id: "zone-c", domains: []string{"c.example.com", "cd.example.com"}},
		{id: "zone-d", domains: []string{"cd.example.com"}},
	}
	inBubble(t, nil, sites, func(t *testing.T, b *bench) {
		const missed = "no zone is known to serve this host, and zone zone-b could not be read: UnauthorizedOperation.NoPermission" + advice
		b.read(t)
		b.finds(t, host, "zone-a", nil)
		b.finds(t, "c.example.com", "zone-c", nil)
		b.finds(t, "cd.example.com", "", zone.ErrAmbiguous)
		b.refuses(t, "b.example.com", missed) // it may be in the zone that was refused
		pass(30 * time.Second)
		b.refuses(t, "b.example.com", missed)
		if got := len(b.account.readings()); got != 1 {
			t.Errorf("%d readings in 30s, want 1", got)
		}
		refused.err, refused.domains = nil, []string{"b.example.com"}
		b.account.set(nil, refused, one[0])
		pass(time.Second)
		b.finds(t, "b.example.com", "", zone.ErrPending)
		pass(0)
		b.finds(t, "b.example.com", "zone-b", nil)
		b.refuses(t, "c.example.com", zone.ErrUnknown.Error())

		refused.err = errRefused
		b.account.set(nil, refused)
		pass(11 * time.Minute)
		b.finds(t, host, "zone-a", nil)
		pass(time.Second)
		b.finds(t, "b.example.com", "zone-b", nil) // known from before
		b.refuses(t, host, missed)                 // gone, or moved to the zone that was refused
	})
}

func TestFinder_CountsTheZonesThatAreRefused(t *testing.T) {
	odd := &edgeone.Error{Action: "DescribeAccelerationDomains", Code: "Whatever.New", Sent: true}
	sites := []site{one[0], {id: "zone-b", err: odd}, {id: "zone-c", err: errRefused}, {id: "zone-d", err: errRefused}}
	inBubble(t, nil, sites, func(t *testing.T, b *bench) {
		b.read(t)
		b.finds(t, host, "zone-a", nil)
		b.refuses(t, strange, "no zone is known to serve this host, and zone zone-b and 2 more could not be read: Whatever.New"+advice)
	})
}
