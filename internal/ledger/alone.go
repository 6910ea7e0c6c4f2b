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

// aloneKey is where it is stored which messages are handled alone. No request has such a source.
var aloneKey = record.Key{Source: "!", ID: "alone"}

// alone is how often the handling of a message alone was begun and not ended.
type alone struct {
	Version int            `json:"v"`
	Times   map[string]int `json:"times"`
}

// BeginAlone stores that a message, of any name, is about to be handled alone, and tells how often that
// was begun, this time counted, and never ended. It tries until the context ends.
func (l *Ledger) BeginAlone(ctx context.Context, name string) (times int, err error) {
	err = l.changeAlone(ctx, func(m map[string]int) {
		m[name]++
		times = m[name]
	})
	return times, err
}

// EndAlone stores that a message was handled alone. It tries until the context ends.
func (l *Ledger) EndAlone(ctx context.Context, name string) error {
	return l.changeAlone(ctx, func(m map[string]int) { delete(m, name) })
}

// errRaced says that another write came in between.
var errRaced = errors.New("another write was first")

func (l *Ledger) changeAlone(ctx context.Context, change func(map[string]int)) error {
	return l.insist(ctx, "note what is handled alone", func() error {
		data, at, err := l.store.Progress(ctx, aloneKey)
		if err != nil {
			return err
		}
		var a alone
		if data != nil {
			if err := json.Unmarshal(data, &a); a.Version > record.Version || err != nil {
				l.log.Error("note of what is handled alone can't be read, and is left alone", zap.Error(err))
				change(make(map[string]int)) // nothing is counted meanwhile
				return nil
			}
		}
		next := maps.Clone(a.Times)
		if next == nil {
			next = make(map[string]int)
		}
		change(next)
		if data, err = json.Marshal(alone{Version: record.Version, Times: next}); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		stored, err := l.store.PutProgress(ctx, aloneKey, data, at, false)
		if err == nil && !stored {
			err = errRaced
		}
		return err
	})
}
