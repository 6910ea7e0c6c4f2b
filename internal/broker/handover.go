package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// Handover is what a leader that drains leaves to the next.
type Handover struct {
	Turn  uint64      `json:"turn"`  // the delivery it held the lease by
	Sends []time.Time `json:"sends"` // CreatePurgeTask calls of the last window
}

// Predecessor returns what the leader before this one left, false when it did not get to leave
// anything.
func (l *Lease) Predecessor(ctx context.Context) (Handover, bool, error) {
	s, err := l.conn.stream(ctx, "CONTROL")
	if err != nil {
		return Handover{}, false, fmt.Errorf("read hand-over: %w", err)
	}
	m, err := s.GetLastMsgForSubject(ctx, l.conn.subject("control.handover"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Handover{}, false, nil
	}
	if err != nil {
		return Handover{}, false, fmt.Errorf("read hand-over: %w", err)
	}
	if !isRecord(m.Header) {
		return Handover{}, false, nil
	}
	h, err := decodeHandover(m.Header, m.Data)
	if err != nil {
		l.conn.log.Warn("hand-over can't be read, counts as none", zap.Error(err))
		return Handover{}, false, nil
	}
	// A consumer that was made anew counts its deliveries anew.
	return h, h.Turn+1 == l.turn && m.Time.After(l.made), nil
}

// decodeHandover reads what a leader left. What another version says may not be all that it did,
// and a hand-over that counts as none costs a window at most (I3).
func decodeHandover(header nats.Header, data []byte) (Handover, error) {
	if v := header.Get(versionHeader); v != strconv.Itoa(record.Version) {
		return Handover{}, fmt.Errorf("%w: %.20q", record.ErrVersion, v)
	}
	var h Handover
	if err := json.Unmarshal(data, &h); err != nil {
		return Handover{}, err
	}
	return h, nil
}

// Release leaves the hand-over and gives the lease to the next replica at once; from then on Valid
// returns false. An unsure leader gives nothing: the lease runs out by itself.
func (l *Lease) Release(ctx context.Context, sends []time.Time) error {
	if !l.Valid() {
		return nil
	}
	data, err := json.Marshal(Handover{Turn: l.turn, Sends: sends})
	if err != nil {
		return fmt.Errorf("encode hand-over: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return errors.Join(l.leave(ctx, data), l.Drop(ctx))
}

// Drop returns the lease to the next replica at once, and leaves no hand-over: the next leader
// takes over as after a crash.
func (l *Lease) Drop(ctx context.Context) error {
	if !l.Valid() {
		return nil
	}
	// The server takes a stale leader's nak for the holder's.
	if err := l.checkOurs(ctx); err != nil {
		return err
	}
	if !l.Valid() {
		return nil
	}
	l.given.Store(true)
	if err := l.conn.nc.Publish(l.reply, []byte(wordNak)); err != nil {
		return fmt.Errorf("hand over lease: %w", err)
	}
	return l.conn.nc.FlushWithContext(ctx)
}

// leave stores the hand-over in place of the last one: the stream does not replace messages.
func (l *Lease) leave(ctx context.Context, data []byte) error {
	subject := l.conn.subject("control.handover")
	s, err := l.conn.stream(ctx, "CONTROL")
	if err != nil {
		return fmt.Errorf("store hand-over: %w", err)
	}
	m, err := s.GetLastMsgForSubject(ctx, subject)
	if err == nil {
		err = s.DeleteMsg(ctx, m.Sequence)
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("remove last hand-over: %w", err)
	}
	word := nats.NewMsg(subject)
	word.Header.Set(versionHeader, strconv.Itoa(record.Version))
	word.Data = data
	if _, err := l.conn.js.PublishMsg(ctx, word); err != nil {
		return fmt.Errorf("store hand-over: %w", err)
	}
	return nil
}
