package deploy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// small is an installation that parks soon; the operator's streams are to be those that the worker verifies.
var small = []string{
	"EDGEPURGE_NATS_PROVISION=verify", "EDGEPURGE_WORKER_WINDOW=1000", "EDGEPURGE_TRACKER_POLL_MIN=250ms",
	"EDGEPURGE_TRACKER_POLL_MAX=500ms", "EDGEPURGE_WORKER_DRAIN=5s",
	"EDGEPURGE_EVENTS_PROGRESS=true",
}

// forbidden is what users may not do.
var forbidden = []struct {
	users     []string
	publish   []string
	subscribe []string
}{
	{
		users: []string{"worker", "operator", "ghost"},
		publish: []string{
			"$JS.API.STREAM.DELETE.PURGE_REQUESTS", "$JS.API.STREAM.PURGE.PURGE_JOBS", "$JS.API.STREAM.CREATE.MINE",
			"$JS.API.STREAM.MSG.DELETE.PURGE_EVENTS", "$JS.API.STREAM.MSG.DELETE.PURGE_REQUESTS", "$JS.API.STREAM.NAMES",
			"$JS.API.CONSUMER.DELETE.PURGE_REQUESTS.bulk", "$JS.API.CONSUMER.DELETE.PURGE_CONTROL.owner",
			"$JS.API.CONSUMER.PAUSE.PURGE_REQUESTS.bulk", "$JS.API.CONSUMER.CREATE.PURGE_REQUESTS.mine",
			"$JS.API.CONSUMER.CREATE.PURGE_EVENTS.mine", "$JS.API.STREAM.SNAPSHOT.PURGE_JOBS", "$JS.API.META.LEADER.STEPDOWN",
			"$SYS.REQ.SERVER.PING", "purge.requests.urgent.shop", "purge.other", "_INBOX.a", "other",
		},
		subscribe: []string{
			">", "purge.>", "purge.events.>", "purge.requests.>", "purge.jobs.>", "purge.control.>", "$JS.>", "$JS.ACK.>",
			"$JS.EVENT.ADVISORY.>", "$SYS.>", "_INBOX_shop.>",
		},
	},
	{
		users: []string{"worker"},
		publish: []string{
			"purge.requests.bulk.ghost", "purge.requests.interactive.cli", "purge.control.pause.bulk", "_INBOX_operator.a",
			"$JS.API.STREAM.CREATE.PURGE_REQUESTS", "$JS.API.STREAM.UPDATE.PURGE_REQUESTS", "$JS.API.STREAM.MSG.DELETE.PURGE_DEAD",
			"$JS.API.STREAM.MSG.GET.PURGE_DEAD", "$JS.API.CONSUMER.CREATE.PURGE_CONTROL.owner.purge.control.lease",
		},
		subscribe: []string{"_INBOX.>", "_INBOX_operator.>"},
	},
	{
		users: []string{"operator"},
		publish: []string{
			"purge.events.ghost.completed.a", "purge.dead.malformed.ghost", "purge.jobs.main.zone-a.a.b.0", "purge.marks.ghost.a.b",
			"purge.parked.main.zone-a.purge_url.bulk.ghost.a.b", "purge.control.handover", "purge.progress.ghost.a", "_INBOX_worker.a",
			"$JS.ACK.PURGE_REQUESTS.bulk.1.1.1.1.1", "$JS.ACK.PURGE_CONTROL.owner.1.1.1.1.1",
			"$JS.API.CONSUMER.MSG.NEXT.PURGE_REQUESTS.bulk", "$JS.API.CONSUMER.MSG.NEXT.PURGE_CONTROL.owner",
			"$JS.API.STREAM.MSG.DELETE.PURGE_JOBS", "$JS.API.STREAM.MSG.DELETE.PURGE_PARKED",
		},
		subscribe: []string{"_INBOX.>", "_INBOX_worker.>"},
	},
	{
		users: []string{"ghost"},
		publish: []string{
			"purge.requests.bulk.shop", "purge.requests.bulk.ghost.x", "purge.events.ghost.completed.a", "purge.progress.ghost.a", "purge.control.lease",
			"$JS.API.INFO", "$JS.API.STREAM.INFO.PURGE_REQUESTS", "$JS.API.DIRECT.GET.PURGE_EVENTS", "$JS.ACK.PURGE_REQUESTS.bulk.1.1.1.1.1",
			"_INBOX_worker.a",
		},
		subscribe: []string{"purge.events.shop.>", "purge.events.*.completed.*", "purge.progress.shop.>", "purge.dead.>", "_INBOX_worker.>"},
	},
}

func TestNATS_RefusesWhatAUserHasNoBusinessWith(t *testing.T) {
	w := newTown(t, func(*emulator.Config) {})
	for _, f := range forbidden {
		for _, user := range f.users {
			refused := make(chan error, len(f.publish)+len(f.subscribe))
			nc := w.connect(user, "password-of-"+user, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
			want := func(what string) {
				t.Helper()
				select {
				case err := <-refused:
					if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), what) {
						t.Errorf("%s: got %v, want a permissions violation of %s", user, err, what)
					}
				case <-time.After(patience):
					t.Errorf("%s: %s is not refused", user, what)
				}
			}
			for _, subject := range f.publish {
				if err := nc.Publish(subject, nil); err != nil {
					t.Fatal(err)
				}
				want(fmt.Sprintf("Publish to %q", subject))
			}
			for _, subject := range f.subscribe {
				if _, err := nc.SubscribeSync(subject); err != nil {
					t.Fatal(err)
				}
				want(fmt.Sprintf("Subscription to %q", subject))
			}
		}
	}
}

// What the server answers to a producer's publish goes where the producer says, unasked: with an account of its own that
// is no subject of anybody else.
func TestNATS_TheAnswerStaysInTheProducersAccount(t *testing.T) {
	w := newTown(t, func(*emulator.Config) {})
	w.operate("setup")
	nc := w.connect("ghost", "password-of-ghost")
	replies := []string{
		"purge.events.shop.completed.a", "purge.requests.bulk.shop", "purge.control.pause.bulk", "purge.jobs.main.zone-a.a.b.0",
		"purge.marks.shop.a.b", "$JS.API.STREAM.DELETE.PURGE_REQUESTS",
	}
	for _, reply := range replies {
		if err := nc.PublishRequest("purge.requests.bulk.ghost", reply, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.until("the requests", func() bool { return w.count("PURGE_REQUESTS") == len(replies) })
	if _, err := nc.Request("purge.requests.bulk.ghost", nil, patience); err != nil { // the answers before are out when this one is
		t.Fatal(err)
	}
	for stream, want := range map[string]int{
		"PURGE_REQUESTS": len(replies) + 1, "PURGE_EVENTS": 0, "PURGE_JOBS": 0, "PURGE_PROGRESS": 0, "PURGE_CONTROL": 1, // the lease
	} {
		if got := w.count(stream); got != want {
			t.Errorf("%s: got %d messages, want %d", stream, got, want)
		}
	}
}
