package ledger

import (
	"context"
	"iter"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Stores are the durable side of a Ledger, one for each kind of record. A write that returns nil is
// stored; any error means that it may or may not be, and is retried. All methods are safe for
// concurrent use.
type Stores struct {
	Jobs     JobStore
	Progress ProgressStore
	Events   EventStore
	Dead     DeadStore
	Parked   ParkedStore
}

// JobStore keeps the parts of jobs until the events of their requests are published (I2).
type JobStore interface {
	// PartLimit is how large a part may be, in bytes.
	PartLimit() int
	Put(ctx context.Context, head record.Head, parts [][]byte) (sequences []uint64, err error)
	// All yields every stored part, oldest first, one at a time.
	All(ctx context.Context) iter.Seq2[record.StoredJob, error]
	// Get reads a part; nil without an error when it is not there any more.
	Get(ctx context.Context, sequence uint64) ([]byte, error)
	// Count is the number of stored parts, and of whatever else lies there.
	Count(ctx context.Context) (int, error)
	// Place returns where a part is; the zero Place when it is not there any more.
	Place(ctx context.Context, sequence uint64) (record.Place, error)
	// PutAgain stores a part that had a sequence and vanished, and returns its new one. Doing it
	// again replaces it.
	PutAgain(ctx context.Context, head record.Head, was uint64, data []byte) (uint64, error)
	// PutRetryPart stores a retry part beside the part that it comes of, and returns its sequence.
	// Doing it again returns the same one.
	PutRetryPart(ctx context.Context, of record.Place, head record.Head, data []byte) (uint64, error)
	// Delete removes a part; one that is gone already is no error.
	Delete(ctx context.Context, sequence uint64) error
}

// ProgressStore keeps one record for each request whose targets lie in several jobs, and one of
// what is quarantined.
type ProgressStore interface {
	// Get reads a record and its place; no data when there is none.
	Get(ctx context.Context, k record.Key) ([]byte, record.Place, error)
	// Put replaces the record at after; false when another write was first. With keep it goes after
	// the time that events are kept.
	Put(ctx context.Context, k record.Key, data []byte, after record.Place, keep bool) (bool, error)
}

// EventStore keeps the terminal events.
type EventStore interface {
	// Publish stores each event unless its request has one; nil means that it has.
	Publish(ctx context.Context, events []purge.Event) []error
	// Find finds terminal events. A miss is no proof that there is none.
	Find(ctx context.Context, keys []record.Key) (map[record.Key]purge.Outcome, error)
	// Has is the proof, by the stream's leader, that a request has its terminal event or has none.
	Has(ctx context.Context, k record.Key) (bool, error)
}

// DeadStore keeps what was refused.
type DeadStore interface {
	Put(ctx context.Context, letters []record.DeadLetter) []error
}

// ParkedStore keeps the requests that wait for their zone or its next day.
type ParkedStore interface {
	// Put stores requests at the end of a queue; nil means that the request waits, in this queue or
	// another.
	Put(ctx context.Context, q record.Queue, requests []record.Parked) []error
	// Find finds parked requests. A miss is no proof that there is none.
	Find(ctx context.Context, keys []record.Key) (map[record.Key]record.Request, error)
	Queues(ctx context.Context) ([]record.Queue, error)
}
