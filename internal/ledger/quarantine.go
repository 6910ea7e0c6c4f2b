package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// aloneKey is where it is stored which messages are handled alone. A request may come from any
// source; none has such an id.
var aloneKey = record.Key{Source: "!", ID: "!"}

// Quarantine is the record of the messages that may end the process: it is one, beside those of the
// requests. It is safe for concurrent use.
type Quarantine struct {
	store ProgressStore
	retry retrier
	log   *zap.Logger
}

// alone is how often the handling of a message alone was begun and not ended.
type alone struct {
	Version int            `json:"v"`
	Times   map[string]int `json:"times"`
}

// Alone returns which messages were begun apart from others and never ended, and how often alone.
// It tries until the context ends.
func (q *Quarantine) Alone(ctx context.Context) (times map[string]int, err error) {
	err = q.change(ctx, func(m map[string]int) { times = maps.Clone(m) })
	return times, err
}

// BeginTogether stores that messages, of any names, are about to be handled apart from all others.
// It tries until the context ends.
func (q *Quarantine) BeginTogether(ctx context.Context, names []string) error {
	return q.change(ctx, func(m map[string]int) {
		for _, name := range names {
			m[name] += 0
		}
	})
}

// BeginAlone stores that a message is about to be handled alone, and returns how often that was
// begun, this time counted, and never ended. It tries until the context ends.
func (q *Quarantine) BeginAlone(ctx context.Context, name string) (times int, err error) {
	err = q.change(ctx, func(m map[string]int) {
		if times == 0 { // a try that was done without an answer is not one more
			times = m[name] + 1
		}
		m[name] = times
	})
	return times, err
}

// EndAlone stores that messages were handled. It tries until the context ends.
func (q *Quarantine) EndAlone(ctx context.Context, names ...string) error {
	return q.change(ctx, func(m map[string]int) {
		for _, name := range names {
			delete(m, name)
		}
	})
}

// errRaced says that another write came in between.
var errRaced = errors.New("another write was first")

func (q *Quarantine) change(ctx context.Context, change func(map[string]int)) error {
	return q.retry.untilDone(ctx, "note what is handled alone", func() error {
		data, at, err := q.store.Get(ctx, aloneKey)
		if err != nil {
			return err
		}
		var a alone
		if data != nil {
			if err := json.Unmarshal(data, &a); a.Version > record.Version || err != nil {
				q.log.Error("note of what is handled alone can't be read, and is left alone", zap.Error(err))
				change(make(map[string]int)) // nothing is counted meanwhile
				return nil
			}
		}
		next := maps.Clone(a.Times)
		if next == nil {
			next = make(map[string]int)
		}
		change(next)
		if maps.Equal(next, a.Times) {
			return nil
		}
		if data, err = json.Marshal(alone{Version: record.Version, Times: next}); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		stored, err := q.store.Put(ctx, aloneKey, data, at, false)
		if err == nil && !stored {
			err = errRaced
		}
		return err
	})
}
