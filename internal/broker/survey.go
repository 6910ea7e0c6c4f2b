package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// FaultKind says what somebody did to a stream or a consumer from outside.
type FaultKind string

// The kinds of faults.
const (
	FaultMissing FaultKind = "missing"
	FaultDiffers FaultKind = "differs" // its configuration is another one
	FaultPaused  FaultKind = "paused"  // nothing is delivered until a time
	FaultVacant  FaultKind = "vacant"  // there is no lease to take
	FaultFull    FaultKind = "full"    // more than nine tenths of its bytes are used
)

// Fault is one thing that is not as it should be.
type Fault struct {
	Name     string // of the stream
	Consumer string // empty: the stream itself
	Kind     FaultKind
	// Stops reports that what needs the stream or consumer cannot be done.
	Stops bool
	Text  string // what is wrong, with the name, and what to do
}

// StreamState is what a survey found of a stream.
type StreamState struct {
	Created  time.Time
	First    uint64 // sequence; the last one and one more when the stream is empty
	Last     uint64
	Messages uint64
}

// Survey is how the streams and consumers are at one time.
type Survey struct {
	Faults  []Fault
	Streams map[string]StreamState // by their names without the prefix; a missing one is not in it
}

// ShortName is a stream's name without the prefix.
func (ss *Streams) ShortName(stream string) string {
	return strings.TrimPrefix(stream, ss.conn.name(""))
}

// Alarm receives when a write or a pull met a stream or consumer that does not exist.
func (ss *Streams) Alarm() <-chan struct{} { return ss.conn.alarm }

// Survey looks at all streams and consumers. It changes nothing.
func (ss *Streams) Survey(ctx context.Context) (Survey, error) {
	found := Survey{Streams: make(map[string]StreamState)}
	for _, s := range ss.conn.definitions().all() {
		if err := ss.surveyStream(ctx, s, &found); err != nil {
			return Survey{}, err
		}
	}
	return found, nil
}

func (ss *Streams) surveyStream(ctx context.Context, s stream, found *Survey) error {
	name := s.cfg.Name
	have, err := ss.conn.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		found.Faults = append(found.Faults, Fault{
			Name: name, Kind: FaultMissing, Stops: true, Text: "stream " + name + " is missing: run `edgepurge setup`",
		})
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", name, err)
	}
	info := have.CachedInfo()
	found.Streams[ss.ShortName(name)] = StreamState{info.Created, info.State.FirstSeq, info.State.LastSeq, info.State.Msgs}
	for _, c := range compare("stream "+name, info.Config, s.cfg) {
		found.Faults = append(found.Faults, Fault{
			Name: name, Kind: FaultDiffers, Stops: c.Field == "Subjects" || c.Field == "Sealed" || c.Field == "Retention",
			Text: c.String() + "; run `edgepurge setup`",
		})
	}
	limit := info.Config.MaxBytes
	if full := limit > 0 && info.State.Bytes > uint64(limit)/10*9; full && name != ss.conn.name("REQUESTS") {
		found.Faults = append(found.Faults, Fault{
			Name: name, Kind: FaultFull,
			Text: fmt.Sprintf("stream %s holds %d of its %d bytes: raise its limit", name, info.State.Bytes, limit),
		})
	}
	for _, c := range s.consumers {
		if err := ss.surveyConsumer(ctx, have, c, found); err != nil {
			return err
		}
	}
	if name == ss.conn.name("PARKED") && info.State.Consumers > 0 {
		return ss.surveyQueues(ctx, have, found)
	}
	return nil
}

func (ss *Streams) surveyConsumer(
	ctx context.Context, s jetstream.Stream, want jetstream.ConsumerConfig, found *Survey,
) error {
	stream := s.CachedInfo().Config.Name
	name := stream + "/" + want.Durable
	add := func(kind FaultKind, stops bool, text string) {
		found.Faults = append(found.Faults, Fault{Name: stream, Consumer: want.Durable, Kind: kind, Stops: stops, Text: text})
	}
	fault := func(kind FaultKind, text string) { add(kind, true, text) }
	cons, err := s.Consumer(ctx, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		fault(FaultMissing, "consumer "+name+" is missing: run `edgepurge setup`")
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", name, err)
	}
	info := cons.CachedInfo()
	for _, c := range compare("consumer "+name, info.Config, want) {
		if c.Field == "AckWait" && info.Config.AckWait == takeOverWait && want.Durable != ownerConsumer {
			continue // a take-over is under way
		}
		// A lane that may have fewer messages unacked than it should is slower at worst.
		add(FaultDiffers, c.Field != "MaxAckPending" || want.Durable == ownerConsumer, c.String()+"; run `edgepurge setup`")
	}
	ss.surveyPause(info, found)
	if want.Durable == ownerConsumer && lost(info) {
		fault(FaultVacant, "stream "+stream+" holds no lease: no replica can lead until one stores it again, "+
			"which takes some seconds")
	}
	return nil
}

// surveyPause names a consumer that somebody paused. Nobody but that person knows why, so it stays
// paused.
func (ss *Streams) surveyPause(info *jetstream.ConsumerInfo, found *Survey) {
	if !info.Paused {
		return
	}
	until := info.TimeStamp.Add(info.PauseRemaining)
	if at := info.Config.PauseUntil; at != nil {
		until = *at
	}
	found.Faults = append(found.Faults, Fault{
		Name: info.Stream, Consumer: info.Name, Kind: FaultPaused, Stops: true,
		Text: fmt.Sprintf("consumer %s/%s is paused until %s: `nats consumer resume %s %s` ends that",
			info.Stream, info.Name, until.UTC().Format(time.RFC3339), info.Stream, info.Name),
	})
}

func (ss *Streams) surveyQueues(ctx context.Context, s jetstream.Stream, found *Survey) error {
	list := s.ListConsumers(ctx)
	for info := range list.Info() {
		ss.surveyPause(info, found)
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("look up queues: %w", err)
	}
	return nil
}

// Made returns when a stream was made, which distinguishes it from another of its name.
func (ss *Streams) Made(ctx context.Context, name string) (time.Time, error) {
	s, err := ss.conn.js.Stream(ctx, ss.conn.name(name))
	if err != nil {
		return time.Time{}, fmt.Errorf("look up stream %s: %w", ss.conn.name(name), err)
	}
	return s.CachedInfo().Created, nil
}

// Restore makes what a survey found missing, and returns consumers their configuration back. A
// consumer that is paused stays so. What else differs is left alone: it may be meant.
func (ss *Streams) Restore(ctx context.Context, found Survey) error {
	consumers := make(map[string]bool) // that differ
	missing := false
	for _, f := range found.Faults {
		switch {
		case f.Kind == FaultMissing, f.Kind == FaultVacant:
			missing = true
		case f.Kind == FaultDiffers && f.Consumer != "":
			consumers[f.Name+"/"+f.Consumer] = true
		}
	}
	if missing {
		if err := ss.Provision(ctx, false); err != nil {
			return err
		}
	}
	for _, s := range ss.conn.definitions().all() {
		for _, want := range s.consumers {
			if !consumers[s.cfg.Name+"/"+want.Durable] {
				continue
			}
			if err := ss.restoreConsumer(ctx, s.cfg.Name, want); err != nil {
				return fmt.Errorf("restore consumer %s/%s: %w", s.cfg.Name, want.Durable, err)
			}
		}
	}
	return nil
}

func (ss *Streams) restoreConsumer(ctx context.Context, stream string, want jetstream.ConsumerConfig) error {
	cons, err := ss.conn.js.Consumer(ctx, stream, want.Durable)
	if err != nil {
		return err
	}
	want.PauseUntil = cons.CachedInfo().Config.PauseUntil
	_, err = ss.conn.js.UpdateConsumer(ctx, stream, want)
	return err
}
