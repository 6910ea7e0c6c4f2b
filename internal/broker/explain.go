package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Address is the server that the connection is to, or the servers that it looks for. Passwords in it are
// not masked.
func (b *Broker) Address() string {
	if url := b.nc.ConnectedUrl(); url != "" {
		return url
	}
	return strings.Join(b.nc.Opts.Servers, ",")
}

// ServerVersion is that of the server that the connection is to; empty while there is none.
func (b *Broker) ServerVersion() string { return b.nc.ConnectedServerVersion() }

// Explain adds to an error of another method what a person can do about it, where that is known: the
// server is away, it refuses the credentials or a permission, or there are no streams yet.
func (b *Broker) Explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return fmt.Errorf("%w; check NATS_CREDS, NATS_NKEY, NATS_USER and NATS_PASSWORD, NATS_TOKEN, or the context", err)
	case !b.nc.IsConnected():
		return fmt.Errorf("%w; start a NATS server there, or name another with NATS_URL or NATS_CONTEXT", err)
	case errors.Is(b.nc.LastError(), nats.ErrPermissionViolation) && unanswered(err):
		return &denied{b.nc.LastError(), err, b.inbox()}
	case withoutJetStream(err), errors.Is(err, nats.ErrNoResponders) && withoutJetStream(b.askJetStream()):
		return fmt.Errorf("%w; start the server with JetStream (nats-server -js)", err)
	case Gone(err):
		return fmt.Errorf("%w; run `edgepurge setup`, or start a worker, to create the streams", err)
	}
	return err
}

// askJetStream asks for something that every server with JetStream answers.
func (b *Broker) askJetStream() error {
	ctx, cancel := context.WithTimeout(context.Background(), apiTimeout)
	defer cancel()
	_, err := b.js.AccountInfo(ctx)
	return err
}

func withoutJetStream(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount)
}

// inbox begins the subjects of answers to this connection.
func (b *Broker) inbox() string { return cmp.Or(b.nc.Opts.InboxPrefix, "_INBOX") }

// denied is an error that comes of a refused permission.
type denied struct {
	refusal, cause error
	inbox          string
}

func (d *denied) Error() string {
	what := strings.TrimPrefix(d.refusal.Error(), nats.ErrPermissionViolation.Error()+": ")
	if strings.Contains(what, `Subscription to "`+d.inbox+".") {
		return fmt.Sprintf("nats refuses this user: %s, where answers would come to; set EDGEPURGE_NATS_INBOX (nats.inbox) "+
			"to the inbox that the user has, such as _INBOX_ghost, or grant %s.> (%v)", what, d.inbox, d.cause)
	}
	return fmt.Sprintf("nats refuses this user: %s; grant it, or connect as another user (%v)", what, d.cause)
}

func (d *denied) Unwrap() []error { return []error{d.refusal, d.cause} }

// unanswered tells that an error may come of a refused permission: the server drops such a request, and
// tells the connection, not the caller.
func unanswered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrPermissionViolation) || errors.Is(err, jetstream.ErrAsyncPublishTimeout) ||
		errors.Is(err, jetstream.ErrNoHeartbeat)
}
