package broker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Change is one difference between what a stream or consumer is and what it should be.
type Change struct {
	Name  string `json:"name"`            // stream, or stream/consumer
	Field string `json:"field,omitempty"` // empty: it is missing
	Have  string `json:"have,omitempty"`
	Want  string `json:"want,omitempty"`
}

// String says the change in one line.
func (c Change) String() string {
	if c.Field == "" {
		return c.Name + ": missing"
	}
	return fmt.Sprintf("%s: %s is %s, should be %s", c.Name, c.Field, c.Have, c.Want)
}

// Done says in one line that the change was made.
func (c Change) Done() string {
	if c.Field == "" {
		return c.Name + ": created"
	}
	return fmt.Sprintf("%s: %s changed from %s to %s", c.Name, c.Field, c.Have, c.Want)
}

// Diff returns how the streams and consumers differ from what edgepurge needs.
func (ss *Streams) Diff(ctx context.Context) ([]Change, error) {
	var changes []Change
	for _, s := range ss.conn.definitions().all() {
		c, err := ss.diffStream(ctx, s)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c...)
	}
	return changes, nil
}

func (ss *Streams) diffStream(ctx context.Context, s stream) ([]Change, error) {
	have, err := ss.conn.js.Stream(ctx, s.cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		changes := []Change{{Name: s.cfg.Name}}
		for _, c := range s.consumers {
			changes = append(changes, Change{Name: s.cfg.Name + "/" + c.Durable})
		}
		return changes, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", s.cfg.Name, err)
	}
	changes := compare(s.cfg.Name, have.CachedInfo().Config, s.cfg)
	for _, c := range s.consumers {
		name := s.cfg.Name + "/" + c.Durable
		cons, err := have.Consumer(ctx, c.Durable)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			changes = append(changes, Change{Name: name})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up consumer %s: %w", name, err)
		}
		changes = append(changes, compare(name, cons.CachedInfo().Config, c)...)
	}
	return changes, nil
}

// compare looks at the fields that edgepurge sets or relies on; the server fills in others.
func compare(name string, have, want any) []Change {
	var changes []Change
	h, w := reflect.ValueOf(have), reflect.ValueOf(want)
	for i := range w.NumField() {
		field := w.Type().Field(i).Name
		if !compared[field] {
			continue
		}
		if field == "Duplicates" && w.Field(i).IsZero() { // the server's default
			continue
		}
		hv, wv := h.Field(i).Interface(), w.Field(i).Interface()
		if field == "MaxMsgs" || field == "MaxBytes" || field == "MaxMsgSize" || field == "MaxMsgsPerSubject" {
			hv, wv = unlimited(h.Field(i)), unlimited(w.Field(i))
		}
		if !reflect.DeepEqual(hv, wv) {
			changes = append(changes, Change{Name: name, Field: field, Have: fmt.Sprint(hv), Want: fmt.Sprint(wv)})
		}
	}
	return changes
}

var compared = map[string]bool{
	"Subjects": true, "Retention": true, "Discard": true, "DiscardNewPerSubject": true, "NoAck": true,
	"MaxMsgs": true, "MaxBytes": true, "MaxMsgSize": true, "MaxMsgsPerSubject": true, "MaxAge": true,
	"Replicas": true, "DenyDelete": true, "DenyPurge": true,
	"AllowRollup": true, "AllowDirect": true, "AllowMsgTTL": true, "AllowMsgSchedules": true, "Storage": true,
	"FilterSubject": true, "AckPolicy": true, "AckWait": true, "MaxDeliver": true, "MaxAckPending": true,
	"HeadersOnly": true, "Duplicates": true,
}

// unlimited folds the server's -1 and our 0 into one.
func unlimited(v reflect.Value) int64 { return max(0, v.Int()) }

// Provision creates what is missing; with update it also changes what differs. Without it, it
// changes only what the last version left out.
func (ss *Streams) Provision(ctx context.Context, update bool) error {
	all := ss.conn.definitions().all()
	have := make([]jetstream.Stream, len(all))
	fresh := !ss.seen.Load()
	for i, s := range all {
		var err error
		have[i], err = ss.conn.js.Stream(ctx, s.cfg.Name)
		if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return fmt.Errorf("provision stream %s: %w", s.cfg.Name, err)
		}
		fresh = fresh && err != nil
	}
	ss.seen.Store(true)
	for i, s := range all {
		if !fresh {
			s.cfg.FirstSeq = s.again
		}
		made, err := ss.provisionStream(ctx, s, have[i], update)
		if err != nil {
			return err
		}
		fresh = fresh && (made || s.cfg.Name != ss.conn.name("CONTROL"))
	}
	return ss.control.seedLease(ctx, fresh)
}

// provisionStream reports whether it made the stream.
func (ss *Streams) provisionStream(
	ctx context.Context, s stream, have jetstream.Stream, update bool,
) (made bool, err error) {
	switch {
	case have == nil:
		have, err = ss.conn.js.CreateStream(ctx, s.cfg)
		made = err == nil
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another replica was first
			have, err = ss.conn.js.Stream(ctx, s.cfg.Name)
		}
	case update:
		s.cfg.FirstSeq = have.CachedInfo().Config.FirstSeq
		have, err = ss.conn.js.UpdateStream(ctx, s.cfg)
	default:
		ss.amend(ctx, have.CachedInfo().Config, s.cfg)
	}
	if err != nil {
		return made, fmt.Errorf("provision stream %s: %w", s.cfg.Name, err)
	}
	return made, ss.provisionConsumers(ctx, s, have, update)
}

// amend returns a stream that the last version made what it left out: a short duplicate window, and
// a bound to its size. It changes nothing else. The worker can do without: where the account has no
// room for the bound, or the user may not change streams, a person has to run setup.
func (ss *Streams) amend(ctx context.Context, have, want jetstream.StreamConfig) {
	cfg := have
	if want.Duplicates > 0 && have.Duplicates > want.Duplicates {
		cfg.Duplicates = want.Duplicates
	}
	if unbounded(have, want) {
		want.Duplicates, want.FirstSeq = cfg.Duplicates, have.FirstSeq
		cfg = want
	}
	if reflect.DeepEqual(cfg, have) {
		return
	}
	if _, err := ss.conn.js.UpdateStream(ctx, cfg); err != nil {
		ss.conn.log.Warn("stream is still as the last version made it; run `edgepurge setup`",
			zap.String("stream", cfg.Name), zap.Error(err))
	}
}

// unbounded reports that a stream is as a version made it that set no bound to its size.
func unbounded(have, want jetstream.StreamConfig) bool {
	return have.MaxBytes <= 0 && want.MaxBytes > 0
}

func (ss *Streams) provisionConsumers(ctx context.Context, s stream, have jetstream.Stream, update bool) error {
	for _, c := range s.consumers {
		_, err := have.Consumer(ctx, c.Durable)
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			_, err = have.CreateConsumer(ctx, c)
			if errors.Is(err, jetstream.ErrConsumerExists) {
				err = nil
			}
		case err == nil && update:
			_, err = have.UpdateConsumer(ctx, c)
		}
		if err != nil {
			return fmt.Errorf("provision consumer %s/%s: %w", s.cfg.Name, c.Durable, err)
		}
	}
	return nil
}

// Verify reports what is missing or can't work as it is; it changes nothing. It lets pass that one
// lane has no consumer: what does not need it goes on.
func (ss *Streams) Verify(ctx context.Context) error {
	changes, err := ss.Diff(ctx)
	if err != nil {
		return err
	}
	if changes = ss.withoutOneLane(changes); len(changes) == 0 {
		ss.seen.Store(true)
		return ss.control.SeedLease(ctx)
	}
	lines := make([]string, len(changes))
	for i, c := range changes {
		lines[i] = c.String()
	}
	return fmt.Errorf("streams are not as they should be; run `edgepurge setup`: %s", strings.Join(lines, "; "))
}

// withoutOneLane leaves out that a lane has no consumer, if only one has none.
func (ss *Streams) withoutOneLane(changes []Change) []Change {
	lane := func(c Change) bool {
		return c.Field == "" && strings.HasPrefix(c.Name, ss.conn.name("REQUESTS")+"/")
	}
	rest := slices.DeleteFunc(slices.Clone(changes), lane)
	if len(changes)-len(rest) == 1 {
		return rest
	}
	return changes
}
