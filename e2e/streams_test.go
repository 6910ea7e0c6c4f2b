package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// installation is a world with two workers.
type installation struct {
	*world

	health []string // of each worker
	logs   []*observer.ObservedLogs
}

func install(t *testing.T, provision string, change func(*emulator.Config)) *installation {
	t.Helper()
	in := &installation{world: newWorld(t, change)}
	in.provision()
	in.cfg.NATS.Provision = provision
	for range 2 {
		in.cfg.HTTP.Listen = freeAddress(t)
		in.health = append(in.health, in.cfg.HTTP.Listen)
		core, logs := observer.New(zap.InfoLevel)
		in.logs = append(in.logs, logs)
		in.startLogging(zap.New(core))
	}
	in.ready("both to be ready")
	in.until("a leader", func() bool {
		c, err := in.js.Consumer(t.Context(), "PURGE_CONTROL", "owner")
		return err == nil && c.CachedInfo().NumAckPending == 1
	})
	return in
}

// answers returns what /readyz of each worker says.
func (in *installation) answers() (status []int, bodies []string) {
	for _, address := range in.health {
		code, body, err := fetch(in.t, "http://"+address+"/readyz")
		if err != nil {
			code, body = 0, err.Error()
		}
		status, bodies = append(status, code), append(bodies, body)
	}
	return status, bodies
}

func (in *installation) ready(what string) {
	in.t.Helper()
	var last []string
	defer func() {
		if in.t.Failed() {
			in.t.Logf("/readyz: %q", last)
		}
	}()
	in.until(what, func() bool {
		status, bodies := in.answers()
		last = bodies
		return status[0] == http.StatusOK && status[1] == http.StatusOK
	})
}

// says waits until every worker is not ready and names something.
func (in *installation) says(name string) {
	in.t.Helper()
	in.until("both to say that they are not ready for "+name, func() bool {
		status, bodies := in.answers()
		for i := range status {
			if status[i] != http.StatusServiceUnavailable || !strings.Contains(bodies[i], name) {
				return false
			}
		}
		return true
	})
}

// logged reports whether a worker logged a message that names something.
func (in *installation) logged(message, name string) bool {
	for _, logs := range in.logs {
		for _, entry := range logs.FilterMessage(message).All() {
			for _, f := range entry.ContextMap() {
				if strings.Contains(fmt.Sprint(f), name) {
					return true
				}
			}
		}
	}
	return false
}

// ask publishes n requests of an id each, every fifth of which is refused, and returns their ids.
func (in *installation) ask(name string, n int) []string {
	in.t.Helper()
	var ids []string
	for i := range n {
		r := purge.Request{ID: fmt.Sprintf("%s-%d", name, i), Targets: []string{url(i)}}
		if i%5 == 4 {
			r.Targets = []string{"ftp://www.example.com/"}
		}
		ids = append(ids, r.ID)
		in.until("a request to be taken", func() bool { return in.offer(r) })
	}
	return ids
}

func (in *installation) ended(ids []string) {
	in.t.Helper()
	missing := ""
	defer func() {
		if in.t.Failed() {
			in.t.Logf("without an event: %s", missing)
		}
	}()
	in.until("the events of all requests", func() bool {
		if _, err := in.js.Stream(in.t.Context(), "PURGE_EVENTS"); err != nil {
			return false // not made anew yet
		}
		if in.count("PURGE_EVENTS") < len(ids) {
			return false // each reading makes a consumer, of which there may not be many
		}
		events := in.events() // fails the test where one has two
		for _, id := range ids {
			if _, ok := events[id]; !ok {
				missing = id
				return false
			}
		}
		return true
	})
}

// Whatever stream is purged or deleted while workers run: they say so, it is made anew, by a worker or by
// `setup`, and without a restart requests are purged again and get one event each.
func TestFailure_StreamsDamaged(t *testing.T) {
	t.Parallel()
	for i, provision := range []string{config.ProvisionCreate, config.ProvisionVerify} {
		for j, name := range []string{"REQUESTS", "EVENTS", "DEAD", "JOBS", "PROGRESS", "PARKED", "CONTROL"} {
			for k, what := range []string{"purge", "delete"} {
				if !turn(2*i+j+k, 4) { // each stream is damaged once
					continue
				}
				t.Run(provision+" "+what+" "+name, func(t *testing.T) {
					t.Parallel()
					in := install(t, provision, func(c *emulator.Config) { c.TaskTime = 2 * time.Second })
					ids := in.ask("before", 20)
					in.until("jobs in flight", func() bool { return in.count("PURGE_JOBS") > 0 })
					in.until("requests to be recorded", func() bool { return in.count("PURGE_REQUESTS") == 0 })
					if name == "EVENTS" { // what has its event has it no more
						in.ended(ids)
						ids = nil
					}
					stream := "PURGE_" + name
					if what == "delete" {
						in.damage(func(ctx context.Context) error { return in.js.DeleteStream(ctx, stream) })
						if provision == config.ProvisionVerify {
							in.says(stream)
							in.provision() // as edgepurge setup does
						}
					} else {
						in.damage(func(ctx context.Context) error { return in.purgeStream(ctx, stream) })
					}
					ids = append(ids, in.ask("after", 20)...)
					in.ended(ids)
					in.ready("both to be ready again")
					if what == "delete" {
						in.until("somebody to log that it was made anew", func() bool { return in.logged("stream was made anew", stream) })
					}
				})
			}
		}
	}
}

func (in *installation) damage(do func(context.Context) error) {
	in.t.Helper()
	if err := do(in.t.Context()); err != nil {
		in.t.Fatal(err)
	}
}

// purgeStream empties a stream, also one that refuses that.
func (in *installation) purgeStream(ctx context.Context, name string) error {
	s, err := in.js.Stream(ctx, name)
	if err != nil {
		return err
	}
	if s.CachedInfo().Config.DenyPurge {
		return nil // an operator has to delete it
	}
	return s.Purge(ctx)
}

// A consumer that is paused stays so, and everybody says until when; one that is deleted or changed is made as
// it was, by a worker or by setup.
func TestFailure_ConsumersDamaged(t *testing.T) {
	t.Parallel()
	for i, provision := range []string{config.ProvisionCreate, config.ProvisionVerify} {
		for j, of := range [][2]string{{"PURGE_REQUESTS", "interactive"}, {"PURGE_REQUESTS", "bulk"}, {"PURGE_CONTROL", "owner"}} {
			stream, name := of[0], of[1]
			full := stream + "/" + name
			if !turn(i+j, 2) { // each consumer is damaged in each way once
				continue
			}
			t.Run(provision+" delete "+full, func(t *testing.T) {
				t.Parallel()
				in := install(t, provision, nil)
				in.damage(func(ctx context.Context) error { return in.js.DeleteConsumer(ctx, stream, name) })
				if provision == config.ProvisionVerify {
					in.says(full)
					in.provision()
				}
				in.ended(in.ask("after", 10))
				in.ready("both to be ready again")
			})
			t.Run(provision+" pause "+full, func(t *testing.T) {
				t.Parallel()
				in := install(t, provision, nil)
				until := time.Now().Add(time.Hour)
				in.damage(func(ctx context.Context) error {
					_, err := in.js.PauseConsumer(ctx, stream, name, until)
					return err
				})
				said := full + " is paused until " + until.UTC().Format(time.RFC3339)
				if name != "owner" {
					in.says(said)
				} else { // who leads can go on; who stands by cannot take over
					in.until("the one that stands by to say so, the leader to note it", func() bool {
						status, bodies := in.answers()
						return status[0]+status[1] == http.StatusOK+http.StatusServiceUnavailable &&
							strings.Contains(bodies[0], said) && strings.Contains(bodies[1], said)
					})
				}
				c, err := in.js.Consumer(t.Context(), stream, name)
				if err != nil || !c.CachedInfo().Paused {
					t.Errorf("it is not paused any more, %v", err)
				}
				in.damage(func(ctx context.Context) error {
					_, err := in.js.ResumeConsumer(ctx, stream, name)
					return err
				})
				in.ended(in.ask("after", 10))
				in.ready("both to be ready again")
			})
			t.Run(provision+" change "+full, func(t *testing.T) {
				t.Parallel()
				in := install(t, provision, nil)
				in.damage(func(ctx context.Context) error { return in.change(ctx, stream, name) })
				if provision == config.ProvisionVerify {
					in.says(full)
					if err := in.broker().Streams.Provision(t.Context(), true); err != nil {
						t.Fatal(err)
					}
				}
				in.until("its configuration to be as it was", func() bool {
					c, err := in.js.Consumer(t.Context(), stream, name)
					return err == nil && c.CachedInfo().Config.MaxDeliver == -1 && !c.CachedInfo().Config.HeadersOnly
				})
				in.ready("both to be ready again")
				in.ended(in.ask("after", 10))
			})
		}
	}
}

func (in *installation) change(ctx context.Context, stream, name string) error {
	c, err := in.js.Consumer(ctx, stream, name)
	if err != nil {
		return err
	}
	cfg := c.CachedInfo().Config
	cfg.MaxDeliver, cfg.HeadersOnly = 1000, true
	_, err = in.js.UpdateConsumer(ctx, stream, cfg)
	return err
}

// Without PURGE_DEAD bad requests wait, and the good ones of their lane go on.
func TestFailure_NoDeadLetters(t *testing.T) {
	t.Parallel()
	in := install(t, config.ProvisionVerify, nil)
	in.damage(func(ctx context.Context) error { return in.js.DeleteStream(ctx, "PURGE_DEAD") })
	in.publish(purge.Interactive, "test", []byte(`{"id":"bad","targets":[]}`))
	var ids []string
	for i := range 50 {
		r := purge.Request{ID: fmt.Sprintf("good%d", i), Targets: []string{url(i)}}
		in.request(purge.Interactive, r)
		in.publish(purge.Interactive, "test", fmt.Appendf(nil, `{"id":"bad%d","targets":[]}`, i))
		ids = append(ids, r.ID)
	}
	in.ended(ids)
	in.says("PURGE_DEAD")
	if n := in.count("PURGE_REQUESTS"); n != 51 {
		t.Errorf("%d messages are kept, want the 51 bad ones: none is stored elsewhere", n)
	}
	in.provision()
	in.until("the ends of the bad ones", func() bool { return in.count("PURGE_EVENTS") == 101 && in.count("PURGE_DEAD") == 51 })
	in.until("no message to be left", func() bool { return in.count("PURGE_REQUESTS") == 0 })
	in.ready("both to be ready again")
}

// The server's answers that a producer has stored among the records are removed, and count as nothing.
func TestFailure_AnswersAmongRecords(t *testing.T) {
	t.Parallel()
	in := install(t, config.ProvisionCreate, nil)
	for i := range 30 {
		for _, reply := range []string{
			fmt.Sprintf("purge.parked.main.zone-a.purge_url.bulk.test.x.%d", i), fmt.Sprintf("purge.marks.other.a.%d", i),
			fmt.Sprintf("purge.jobs.main.zone-a.job.salt.%d", i),
		} {
			if err := in.nc.PublishRequest("purge.requests.bulk.test", reply, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
	}
	in.until("all requests to be taken", func() bool { return in.count("PURGE_EVENTS") == 90 && in.count("PURGE_REQUESTS") == 0 })
	in.until("the answers to be removed", func() bool {
		return in.count("PURGE_PARKED") == 0 && in.count("PURGE_PROGRESS") == 0 && in.count("PURGE_JOBS") == 0
	})
	in.until("the answers to be logged", func() bool {
		return in.logged("removed what is no record: somebody names the stream's subjects as those for the answers to a publish", "PURGE_PROGRESS")
	})
	in.ended(in.ask("after", 10))
}
