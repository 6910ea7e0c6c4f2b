package broker

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

const (
	// duplicateWindow is the least that the server takes. The table of message ids is one for all sources, so that another
	// can put a message id there before its owner does. Repeats are found by their id, in the worker.
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
	// again is the first sequence where the stream is made anew while others exist; 0 is 1. Who holds the
	// number of a message of the old stream must not meet another message under it.
	again uint64
}

func (b *Broker) name(s string) string { return b.subjects.Stream(s) }

func (b *Broker) subject(rest string) string { return b.set.Prefix + "." + rest }

// streams is the one definition of everything that edgepurge stores.
func (b *Broker) streams(maxPayload int64) []stream {
	all := []stream{b.requestStream(maxPayload), b.eventStream(), b.deadStream(), b.jobStream(), b.progressStream(maxPayload), b.parkedStream(maxPayload), b.controlStream()}
	for i := range all {
		switch all[i].cfg.Name {
		case b.name("JOBS"), b.name("PROGRESS"), b.name("PARKED"), b.name("CONTROL"):
			all[i].again = uint64(time.Now().UnixMicro())
		}
		all[i].cfg.Storage = jetstream.FileStorage
		all[i].cfg.Replicas = b.set.Replicas
	}
	return all
}

// requestStream refuses when full and lets no producer purge, roll up, expire or schedule anything:
// a producer's headers must not reach another's requests.
func (b *Broker) requestStream(maxPayload int64) stream {
	s := stream{cfg: jetstream.StreamConfig{
		Name:        b.name("REQUESTS"),
		Description: "edgepurge: requests, until done",
		Subjects: []string{
			b.subjects.Request(purge.Interactive, "*"),
			b.subjects.Request(purge.Bulk, "*"),
		},
		Retention:  jetstream.WorkQueuePolicy,
		Discard:    jetstream.DiscardNew,
		MaxBytes:   b.set.MaxBytes,
		MaxMsgSize: int32(maxPayload - requestHeadroom),
		Duplicates: duplicateWindow,
		DenyDelete: true,
		DenyPurge:  true,
	}}
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		s.consumers = append(s.consumers, jetstream.ConsumerConfig{
			Durable:       string(lane),
			FilterSubject: b.subjects.Request(lane, "*"),
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       ackWait(lane),
			MaxDeliver:    -1,
			MaxAckPending: b.unacked(lane),
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

// unackedLeast is how many messages of a consumer may be delivered and not acked, at least. Those that can't be
// sent and can't be parked are given back and come again later; until then they count.
const unackedLeast = 500_000

// unacked bounds the messages of a consumer that are not acked: three windows, of what is held, what is in calls,
// and what a predecessor held, and those that were given back.
func (b *Broker) unacked(lane purge.Lane) int { return max(unackedLeast, 3*b.window(lane)) }

func (b *Broker) window(lane purge.Lane) int {
	if lane == purge.Interactive {
		return b.set.InteractiveWindow
	}
	return b.set.BulkWindow
}

func (b *Broker) eventStream() stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:        b.name("EVENTS"),
		Description: "edgepurge: one terminal event for every request",
		Subjects:    []string{b.subjects.Events()},
		MaxAge:      b.set.EventsKeep,
		AllowDirect: true,
		DenyDelete:  true,
		DenyPurge:   true,
	}}
}

func (b *Broker) deadStream() stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:        b.name("DEAD"),
		Description: "edgepurge: requests that were refused, with the reason",
		Subjects:    []string{b.subject("dead.*.*")},
		MaxAge:      b.set.DeadKeep,
		AllowDirect: true,
	}}
}

// jobStream is read from its leader only: a follower that lags must not hide a job.
func (b *Broker) jobStream() stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:              b.name("JOBS"),
		Description:       "edgepurge: jobs that EdgeOne works on, until their events are out",
		Subjects:          []string{b.subject("jobs.*.*.*.*.*")},
		MaxMsgsPerSubject: 1,
	}}
}

// progressStream is bounded because producers can have the server's answers to their publishes stored in it. It
// refuses what is beyond: to drop the oldest record would lose a request.
func (b *Broker) progressStream(maxPayload int64) stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:              b.name("PROGRESS"),
		Description:       "edgepurge: requests whose targets lie in several jobs",
		Subjects:          []string{b.subject("marks.*.*.*")},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		MaxBytes:          b.set.ProgressMaxBytes,
		MaxMsgSize:        int32(maxPayload - partHeadroom/2),
		AllowMsgTTL:       true,
	}}
}

// parkedStream is a work queue of its own for each zone, type and lane that can't be sent now; consumers
// come and go with these queues. It is bounded as the stream of progress is.
func (b *Broker) parkedStream(maxPayload int64) stream {
	return stream{cfg: jetstream.StreamConfig{
		Name:        b.name("PARKED"),
		Description: "edgepurge: requests that wait for their zone or its next day",
		Subjects:    []string{b.subject("parked.*.*.*.*.*.*.*")},
		Retention:   jetstream.WorkQueuePolicy,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    b.set.ParkedMaxBytes,
		MaxMsgSize:  int32(maxPayload - partHeadroom/2),
		AllowDirect: true,

		MaxMsgsPerSubject:    1, // a subject holds the request's id
		DiscardNewPerSubject: true,
	}}
}

// controlStream replaces nothing: whoever could put another lease in place of the one that is held
// would make a second owner.
func (b *Broker) controlStream() stream {
	return stream{
		cfg: jetstream.StreamConfig{
			Name:        b.name("CONTROL"),
			Description: "edgepurge: the owner's lease and the hand-over",
			Subjects: []string{
				b.subject("control.lease"), b.subject("control.handover"), b.subject("control.pause.interactive"), b.subject("control.pause.bulk"),
			},
			Discard:              jetstream.DiscardNew,
			DiscardNewPerSubject: true,
			MaxMsgsPerSubject:    1,
		},
		consumers: []jetstream.ConsumerConfig{{
			Durable:       ownerConsumer,
			FilterSubject: b.subject("control.lease"),
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       leaseAckWait,
			MaxDeliver:    -1,
			MaxAckPending: 1,
		}},
	}
}
