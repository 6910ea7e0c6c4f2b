package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The errors that a program may want to tell apart; errors.Is finds them in what the methods return. A request that is
// not valid is a [*purge.Reason], which errors.AsType finds: nothing was sent. Every other error, such as the end of the
// context or [nats.ErrConnectionClosed], leaves open whether the request is stored: call again with the same id.
var (
	// ErrFull: the stream of requests has no room, and this one is not stored. The worker makes room as it goes on:
	// slow down, and call again later. An operator can raise nats.max_bytes.
	ErrFull = errors.New("stream is full")
	// ErrNoStream: nobody answered for the stream for 15 seconds. The request is not stored, unless an earlier try of
	// the same call was. Somebody has to run `edgepurge setup`, or start a worker; or the prefix is another's.
	ErrNoStream = errors.New("stream does not exist")
	// ErrTooLarge: the message has more than the server's max_payload less 64 KiB, and is not stored. Cut the request
	// into several.
	ErrTooLarge = errors.New("request is too large")
	// ErrDenied: the server refuses this user a right, which the text names. It has to be granted.
	ErrDenied = errors.New("nats refuses this user")
	// ErrIDReused: the id names another request, with other targets for example. What was asked for is not done. Give
	// a new id to every change.
	ErrIDReused = errors.New("id is that of another request")
	// ErrNoEvent: no event of the request is kept. It has not ended, or was never asked for, or ended longer ago than
	// events are kept.
	ErrNoEvent = errors.New("request has no event")
	// ErrDuplicate: the broker takes the message for one that it has, again and again for about 10 seconds. That proves
	// nothing: whether this request is stored is not known. The client sets no message id, so that something between it
	// and the broker must have added one. Call again with the same id.
	ErrDuplicate = errors.New("broker takes the request for a duplicate, which does not prove that it is stored")
	// ErrClosed: the client is closed.
	ErrClosed = errors.New("client is closed")
)

// What becomes of one try. All of these let it be made again.
var (
	errSilent  = errors.New("the broker does not answer")
	errLost    = errors.New("the connection was lost")
	errNobody  = errors.New("nobody answers for the stream")
	errForNow  = errors.New("the broker can't do it now")
	errGarbled = errors.New("the broker's answer is not one of JetStream")
)

// again tells whether a try that ended so may be made again: it may have been stored, or may be next time. As long as
// nats.go has never had a connection, it takes the server for one without headers.
func again(err error) bool {
	for _, e := range []error{
		errSilent, errLost, errNobody, errForNow, ErrDuplicate, nats.ErrReconnectBufExceeded, nats.ErrHeadersNotSupported,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// stored reads the broker's answer to a publish: nil if it has the message. A duplicate it may have under another
// subject: the table of message ids is one for all sources.
func stored(m *nats.Msg) error {
	if bytes.HasPrefix(m.Data, []byte(`{"stream":"`)) { // a refusal begins with the error
		return original(m.Data)
	}
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return errNobody
	}
	var refusal struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &refusal); err != nil || refusal.Error == nil {
		return errGarbled
	}
	return classify(refusal.Error)
}

// original makes sure that the broker does not take the message for another one.
func original(answer []byte) error {
	if !bytes.Contains(answer, []byte(`"duplicate"`)) { // servers leave it out of any other answer
		return nil
	}
	var ack jetstream.PubAck
	switch err := json.Unmarshal(answer, &ack); {
	case err != nil:
		return errGarbled
	case ack.Duplicate:
		return ErrDuplicate
	}
	return nil
}

// The server's codes for what it refuses; nats.go does not name them all.
const (
	codeAccountFull = 10002 // resource limits exceeded for account
	codeServerFull  = 10023 // insufficient resources
	codeMemoryFull  = 10028 // insufficient memory resources available
	codeDiskFull    = 10047 // insufficient storage resources available
	codeNotStored   = 10077 // maximum bytes exceeded, no space left on device
	codeTooLarge    = 10054 // message size exceeds maximum allowed
	codeInProcess   = 10158 // duplicate message id is in process: an earlier try, on its way to the replicas
)

func classify(refusal *jetstream.APIError) error {
	kind := error(nil)
	switch refusal.ErrorCode {
	case codeAccountFull, codeServerFull, codeMemoryFull, codeDiskFull, codeNotStored:
		kind = ErrFull
	case codeTooLarge:
		kind = ErrTooLarge
	case codeInProcess:
		kind = errForNow
	default:
		if refusal.Code < 429 { // from there on: too many requests, and what the server says of itself
			return refusal
		}
		kind = errForNow
	}
	return fmt.Errorf("%w: %w", kind, refusal)
}

// ofJetStream sorts the errors of nats.go's jetstream package like the answers to a publish.
func ofJetStream(err error) error {
	kind := error(nil)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		kind = errSilent
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, nats.ErrNoResponders),
		errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		kind = errNobody
	case errors.Is(err, nats.ErrDisconnected):
		kind = errLost
	default:
		if refusal, ok := errors.AsType[*jetstream.APIError](err); ok {
			return classify(refusal)
		}
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// denied tells whether the server refused this connection a right to one of the subjects. It drops what it refuses and
// tells the connection alone; a caller who hears nothing asks here why.
func (c *shared) denied(subjects ...string) error {
	err := c.nc.LastError()
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return nil
	}
	for _, subject := range append(subjects, c.nc.Opts.InboxPrefix+".") {
		if subject != "." && strings.Contains(err.Error(), `"`+subject) {
			return &refusal{err}
		}
	}
	return nil
}

// refusal is what the server said when it refused a right.
type refusal struct{ cause error }

func (r *refusal) Error() string {
	return ErrDenied.Error() + ": " + strings.TrimPrefix(r.cause.Error(), nats.ErrPermissionViolation.Error()+": ")
}

func (r *refusal) Unwrap() []error { return []error{ErrDenied, r.cause} }
