package broker

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

const (
	// duplicateWindow is the least that the server takes. The table of message ids is one for all
	// sources, so that another can put a message id there before its owner does. Repeats are found
	// by their id, in the worker.
	duplicateWindow = 100 * time.Millisecond

	// requestHeadroom is what a request leaves of max_payload, so that its dead letter and its job
	// record, which say more, still fit.
	requestHeadroom = 64 << 10
	// partHeadroom is what a part of a job leaves for its headers and the protocol.
	partHeadroom = 32 << 10

	interactiveAckWait = 5 * time.Second
	bulkAckWait        = 60 * time.Second
	leaseAckWait       = 3 * time.Second

	ownerConsumer = "owner"
)

// stream is one stream with its durable consumers.
type stream struct {
	cfg       jetstream.StreamConfig
	consumers []jetstream.ConsumerConfig
	// again is the first sequence where the stream is made anew while others exist; 0 is 1. Who
	// holds the number of a message of the old stream must not meet another message under it.
	again uint64
}

// definitions say what each stream and consumer of an installation should be.
type definitions struct {
	set        Settings
	subjects   purge.Subjects
	maxPayload int64
}

func (c *Conn) definitions() definitions { return definitions{c.set, c.subjects, c.nc.MaxPayload()} }

func (d definitions) name(s string) string { return d.subjects.Stream(s) }

func (d definitions) subject(rest string) string { return d.set.Prefix + "." + rest }

// all is the one definition of everything that edgepurge stores.
func (d definitions) all() []stream {
	all := []stream{d.requests(), d.events(), d.dead(), d.jobs(), d.progress(), d.parked(), d.control()}
	for i := range all {
		switch all[i].cfg.Name {
		case d.name("JOBS"), d.name("PROGRESS"), d.name("PARKED"), d.name("CONTROL"):
			all[i].again = uint64(time.Now().UnixMicro())
		}
		all[i].cfg.Storage = jetstream.FileStorage
		all[i].cfg.Replicas = d.set.Replicas
	}
	return all
}

// requests refuses when full and lets no producer purge, roll up, expire or schedule anything:
// a producer's headers must not reach another's requests.
func (d definitions) requests() stream {
	s := stream{cfg: jetstream.StreamConfig{
		Name:        d.name("REQUESTS"),
		Description: "edgepurge: requests, until done",
		Subjects: []string{
			d.subjects.Request(purge.Interactive, "*"),
			d.subjects.Request(purge.Bulk, "*"),
		},
		Retention:  jetstream.WorkQueuePolicy,
		Discard:    jetstream.DiscardNew,
		MaxBytes:   d.set.MaxBytes,
		MaxMsgSize: int32(d.maxPayload - requestHeadroom),
		Duplicates: duplicateWindow,
		DenyDelete: true,
		DenyPurge:  true,
	}}
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		s.consumers = append(s.consumers, jetstream.ConsumerConfig{
			Durable:       string(lane),
			FilterSubject: d.subjects.Request(lane, "*"),
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       ackWait(lane),
			MaxDeliver:    -1,
			MaxAckPending: d.unacked(lane),
		})
	}
	return s
}

func ackWait(lane purge.Lane) time.Duration {
	if lane == purge.Interactive {
		return interactiveAckWait
	}
	return bulkAckWait
}

// minUnacked is how many messages of a consumer may be delivered and not acked, at least. Those
// that can't be sent and can't be parked are given back and come again later; until then they
// count.
const minUnacked = 500_000

// unacked bounds the messages of a consumer that are not acked: three windows, of what is held,
// what is in calls, and what a predecessor held, and those that were given back.
func (d definitions) unacked(lane purge.Lane) int { return max(minUnacked, 3*d.window(lane)) }

func (d definitions) window(lane purge.Lane) int {
	if lane == purge.Interactive {
		return d.set.InteractiveWindow
	}
	return d.set.BulkWindow
}

func (d definitions) events() stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:        d.name("EVENTS"),
		Description: "edgepurge: one terminal event for every request",
		Subjects:    []string{d.subjects.Events()},
		MaxAge:      d.set.EventsKeep,
		AllowDirect: true,
		DenyDelete:  true,
		DenyPurge:   true,
	}}
}

func (d definitions) dead() stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:        d.name("DEAD"),
		Description: "edgepurge: requests that were refused, with the reason",
		Subjects:    []string{d.subject("dead.*.*")},
		MaxAge:      d.set.DeadKeep,
		AllowDirect: true,
	}}
}

// jobs is read from its leader only: a follower that lags must not hide a job.
func (d definitions) jobs() stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:              d.name("JOBS"),
		Description:       "edgepurge: jobs that EdgeOne works on, until their events are out",
		Subjects:          []string{d.subject("jobs.*.*.*.*.*")},
		MaxMsgsPerSubject: 1,
	}}
}

// progress is bounded because producers can have the server's answers to their publishes stored in
// it. It refuses what is beyond: to drop the oldest record would lose a request.
func (d definitions) progress() stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:              d.name("PROGRESS"),
		Description:       "edgepurge: requests whose targets lie in several jobs",
		Subjects:          []string{d.subject("marks.*.*.*")},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		MaxBytes:          d.set.ProgressMaxBytes,
		MaxMsgSize:        int32(d.maxPayload - partHeadroom/2),
		AllowMsgTTL:       true,
	}}
}

// parked is a work queue of its own for each zone, type and lane that can't be sent now; consumers
// come and go with these queues. It is bounded as the stream of progress is.
func (d definitions) parked() stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:        d.name("PARKED"),
		Description: "edgepurge: requests that wait for their zone or its next day",
		Subjects:    []string{d.subject("parked.*.*.*.*.*.*.*")},
		Retention:   jetstream.WorkQueuePolicy,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    d.set.ParkedMaxBytes,
		MaxMsgSize:  int32(d.maxPayload - partHeadroom/2),
		AllowDirect: true,

		MaxMsgsPerSubject:    1, // a subject holds the request's id
		DiscardNewPerSubject: true,
	}}
}

// control replaces nothing: whoever could put another lease in place of the one that is held
// would make a second leader.
func (d definitions) control() stream {
	return stream{
		cfg: jetstream.StreamConfig{
			Name:        d.name("CONTROL"),
			Description: "edgepurge: the owner's lease and the hand-over",
			Subjects: []string{
				d.subject("control.lease"), d.subject("control.handover"),
				d.subject("control.pause.interactive"), d.subject("control.pause.bulk"),
			},
			Discard:              jetstream.DiscardNew,
			DiscardNewPerSubject: true,
			MaxMsgsPerSubject:    1,
		},
		consumers: []jetstream.ConsumerConfig{{
			Durable:       ownerConsumer,
			FilterSubject: d.subject("control.lease"),
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       leaseAckWait,
			MaxDeliver:    -1,
			MaxAckPending: 1,
		}},
	}
}
