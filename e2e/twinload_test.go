package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// twin is a world in which one write goes wrong once.
type twin struct {
	*world

	proxy *natsProxy
	api   *twinAPI
	asked map[string]asked // by id
	stops []func()         // of the workers, in the order of their starts
}

// asked is what was asked for, and how it has to end.
type asked struct {
	purge.Request

	at   time.Time // not after the broker had it
	want purge.Status
}

// twinSetting is what a world is like.
type twinSetting struct {
	emulator func(*emulator.Config)
	config   func(*config.Config)
	payload  int32 // max_payload of the server; 0: its default
	bare     bool  // without streams: the worker makes them
}

func newTwin(t *testing.T, s twinSetting) *twin {
	t.Helper()
	tw := &twin{asked: make(map[string]asked)}
	tw.world = newWorldOf(t, func(o *server.Options) { o.MaxPayload = s.payload }, func(c *emulator.Config) {
		c.BatchQuota, c.TaskTime = 5, 50*time.Millisecond
		if s.emulator != nil {
			s.emulator(c)
		}
	})
	tw.cfg.EdgeOne.Timeout = patience
	tw.cfg.Tracker.PollMin, tw.cfg.Tracker.PollMax = 100*time.Millisecond, 250*time.Millisecond
	if s.config != nil {
		s.config(&tw.cfg)
	}
	if !s.bare {
		tw.provision()
	}
	tw.api = tw.twinAPI()
	tw.proxy = newNATSProxy(t, tw.nats.Address)
	tw.cfg.NATS.URL = config.ServerURL(tw.proxy.URL())
	return tw
}

// begin starts one more worker.
func (tw *twin) begin() { tw.stops = append(tw.stops, tw.start()) }

// stopFirst stops the worker that was started first, the leader.
func (tw *twin) stopFirst() {
	tw.stops[0]()
	tw.stops = tw.stops[1:]
}

func (tw *twin) stopAll() {
	for len(tw.stops) > 0 {
		tw.stopFirst()
	}
}

// post publishes requests that are to end so.
func (tw *twin) post(lane purge.Lane, want purge.Status, all ...purge.Request) {
	tw.t.Helper()
	at := time.Now()
	tw.requests(lane, all)
	for _, r := range all {
		if _, again := tw.asked[r.ID]; !again {
			tw.asked[r.ID] = asked{r, at, want}
		}
	}
}

// askAgain asks for some of the same once more: under other ids, which is to purge again, and under the same,
// which is not. What is lost on its way from the bulk lane, as by a cut, comes again after a minute only; so it
// goes to the other one.
func (tw *twin) askAgain() {
	tw.t.Helper()
	ids := make([]string, 0, len(tw.asked))
	for id := range tw.asked {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i, id := range ids {
		a := tw.asked[id]
		if len(a.Targets) > 50 || i >= 12 {
			continue
		}
		tw.post(purge.Interactive, a.want, a.Request)
		a.ID = "again-" + id
		tw.post(purge.Interactive, a.want, a.Request)
	}
}

// urls are n requests of one URL each, which no other prefix has.
func urls(prefix string, n int) []purge.Request {
	all := make([]purge.Request, n)
	for i := range all {
		all[i] = purge.Request{ID: fmt.Sprintf("%s%d", prefix, i), Targets: []string{fmt.Sprintf("https://www.example.com/%s/%d", prefix, i)}}
	}
	return all
}

// wide are n requests of so many URLs each, of which no other has any.
func wide(prefix string, n, targets, size int) []purge.Request {
	all := urls(prefix, n)
	for i := range all {
		one := all[i].Targets[0]
		all[i].Targets = nil
		for k := range targets {
			all[i].Targets = append(all[i].Targets, fmt.Sprintf("%s/%d/%s", one, k, strings.Repeat("x", size)))
		}
	}
	return all
}

// askPlain asks for what goes into several jobs, some of it urgent.
func askPlain(tw *twin) {
	tw.post(purge.Bulk, purge.Completed, urls("bulk", 20)...)
	tw.post(purge.Interactive, purge.Completed, urls("urgent", 10)...)
}

func askUrgent(tw *twin) { tw.post(purge.Interactive, purge.Completed, urls("urgent", 12)...) }

// askBad asks for what is refused, beside what is not.
func askBad(tw *twin) {
	bad := urls("bad", 8)
	for i := range bad {
		bad[i].Targets[0] = "ftp" + strings.TrimPrefix(bad[i].Targets[0], "https")
	}
	tw.post(purge.Bulk, purge.Rejected, bad...)
	tw.post(purge.Bulk, purge.Completed, urls("good", 5)...)
}

// askWide asks for what spans jobs, one target of which is not valid.
func askWide(tw *twin) {
	tw.post(purge.Bulk, purge.Completed, wide("wide", 4, 12, 0)...)
	mixed := wide("mixed", 1, 12, 0)
	mixed[0].Targets[3] = "nonsense"
	tw.post(purge.Bulk, purge.Partial, mixed...)
}

// askLarge asks for what makes a job of several parts: two requests of some 300 kB in each.
func askLarge(tw *twin) {
	tw.post(purge.Bulk, purge.Completed, wide("large", 4, 100, 3000)...)
	tw.post(purge.Bulk, purge.Completed, urls("small", 5)...)
}

// askOften asks for what was delivered often already, to a consumer that gave it back. Half of it ended a
// process four times when it was handled alone: once more, and it would be poison.
func askOften(tw *twin) {
	tw.post(purge.Bulk, purge.Completed, urls("often", 6)...)
	times := make(map[string]int)
	for often := uint64(0); often < 6; {
		often = 6
		for i, m := range tw.take(purge.Bulk, 6) {
			meta, err := m.Metadata()
			if err == nil {
				err = m.Nak()
			}
			if err != nil {
				tw.t.Fatal(err)
			}
			often = min(often, meta.NumDelivered)
			if i%2 == 0 {
				times[fmt.Sprintf("bulk %d %d", meta.Sequence.Stream, meta.Timestamp.UnixNano())] = 4
			}
		}
	}
	data, err := json.Marshal(map[string]any{"v": record.Version, "times": times})
	if err != nil {
		tw.t.Fatal(err)
	}
	note := &nats.Msg{Subject: "purge.marks.!.!.test", Header: nats.Header{"Edgepurge-Version": {"1"}}, Data: data}
	if _, err := tw.js.PublishMsg(tw.t.Context(), note); err != nil {
		tw.t.Fatal(err)
	}
}

// askHeld asks for what a process took that is no more.
func askHeld(tw *twin) {
	askPlain(tw)
	tw.take(purge.Bulk, 20)
	tw.take(purge.Interactive, 10)
}

// take takes n messages of a lane.
func (tw *twin) take(lane purge.Lane, n int) []jetstream.Msg {
	tw.t.Helper()
	c, err := tw.js.Consumer(tw.t.Context(), "PURGE_REQUESTS", string(lane))
	if err != nil {
		tw.t.Fatal(err)
	}
	var all []jetstream.Msg
	tw.until("the messages", func() bool {
		lot, err := c.Fetch(n-len(all), jetstream.FetchMaxWait(time.Second))
		if err != nil {
			tw.t.Fatal(err)
		}
		for m := range lot.Messages() {
			all = append(all, m)
		}
		return len(all) == n
	})
	return all
}
