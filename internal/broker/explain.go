package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/client"
)

// Address is the server that the connection is to, or the servers that it looks for. Passwords in
// it are not masked.
func (c *Conn) Address() string {
	if url := c.nc.ConnectedUrl(); url != "" {
		return url
	}
	return strings.Join(c.nc.Opts.Servers, ",")
}

// ServerVersion is that of the server that the connection is to; empty while there is none.
func (c *Conn) ServerVersion() string { return c.nc.ConnectedServerVersion() }

// Explain adds to an error of another method what a person can do about it, where that is known:
// the server is away, it refuses the credentials or a permission, or there are no streams yet.
func (c *Conn) Explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return fmt.Errorf("%w; check NATS_CREDS, NATS_NKEY, NATS_USER and NATS_PASSWORD, NATS_TOKEN, or the context", err)
	case !c.nc.IsConnected():
		if advice := adviceOnAddress(err); advice != "" {
			return fmt.Errorf("%w; %s", err, advice)
		}
		return fmt.Errorf("%w; start a NATS server there, or name another with NATS_URL or NATS_CONTEXT", err)
	case errors.Is(err, client.ErrDenied):
		return &refused{err, c.inbox()}
	case errors.Is(c.nc.LastError(), nats.ErrPermissionViolation) && unanswered(err):
		return &denied{c.nc.LastError(), err, c.inbox()}
	case withoutJetStream(err), noStream(err) && withoutJetStream(c.askJetStream()):
		return fmt.Errorf("%w; start the server with JetStream (nats-server -js)", err)
	case Gone(err):
		return fmt.Errorf("%w; run `edgepurge setup`, or start a worker, to create the streams", err)
	}
	return err
}

// adviceOnAddress says what to do where the address of the server is wrong, empty where that is not
// known.
func adviceOnAddress(err error) string {
	if _, ok := errors.AsType[*stranger](err); ok {
		return "name the NATS server with NATS_URL or NATS_CONTEXT, by its host and the port for clients (4222 by default)"
	}
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && dns.IsNotFound:
		return "check the name in NATS_URL, or in the context (NATS_CONTEXT)"
	case ok:
		return "check the name in NATS_URL, or in the context (NATS_CONTEXT), and whether this machine can look up names"
	}
	return ""
}

// noStream reports that no stream answered.
func noStream(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, client.ErrNoStream)
}

// askJetStream asks for something that every server with JetStream answers.
func (c *Conn) askJetStream() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.answer)
	defer cancel()
	_, err := c.js.AccountInfo(ctx)
	return err
}

func withoutJetStream(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount)
}

// inbox begins the subjects of answers to this connection.
func (c *Conn) inbox() string { return cmp.Or(c.nc.Opts.InboxPrefix, "_INBOX") }

// Answers reports why no answer can reach this connection: the user may not subscribe below its
// inbox. Without this question a command would wait for an answer until it gives up, and not know
// why. It takes one round trip. [Conn.Explain] adds what to do.
func (c *Conn) Answers() error {
	before := c.nc.LastError()
	sub, err := c.nc.SubscribeSync(c.nc.NewInbox() + ".*")
	if err != nil {
		return fmt.Errorf("subscribe to the inbox: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := c.nc.FlushTimeout(c.answer); err != nil {
		return fmt.Errorf("subscribe to the inbox: %w", err)
	}
	// The server refuses before it answers the flush, and each refusal is an error of its own.
	refusal := c.nc.LastError()
	same := refusal == before //nolint:errorlint // the same one
	if refusal == nil || same || !errors.Is(refusal, nats.ErrPermissionViolation) {
		return nil
	}
	if text := refusal.Error(); strings.Contains(text, `Subscription to "`+c.inbox()+".") {
		return fmt.Errorf("%w: %s", client.ErrDenied, strings.TrimPrefix(text, nats.ErrPermissionViolation.Error()+": "))
	}
	return nil
}

// denied is an error that comes of a refused permission.
type denied struct {
	refusal, cause error
	inbox          string
}

func (d *denied) Error() string {
	what := strings.TrimPrefix(d.refusal.Error(), nats.ErrPermissionViolation.Error()+": ")
	if d.cause == nil {
		return fmt.Sprintf("%v: %s", client.ErrDenied, what)
	}
	return fmt.Sprintf("%v: %s%s (%v)", client.ErrDenied, what, advice(what, d.inbox), d.cause)
}

func (d *denied) Unwrap() []error {
	all := []error{client.ErrDenied, d.refusal}
	if d.cause != nil {
		all = append(all, d.cause)
	}
	return all
}

// advice says what to do about a right that the server refuses.
func advice(what, inbox string) string {
	if strings.Contains(what, `Subscription to "`+inbox+".") {
		return ", where answers would come to; set EDGEPURGE_NATS_INBOX (nats.inbox) to the inbox that the user has, " +
			"such as _INBOX_ghost, or grant " + inbox + ".>"
	}
	return "; grant it, or connect as another user"
}

// refused is an error with [client.ErrDenied] in it. Its text begins with what the server refuses.
type refused struct {
	cause error
	inbox string
}

func (r *refused) Error() string {
	doing, what, ok := strings.Cut(r.cause.Error(), client.ErrDenied.Error()+": ")
	if !ok {
		return r.cause.Error()
	}
	text := client.ErrDenied.Error() + ": " + what + advice(what, r.inbox)
	if doing = strings.TrimSuffix(doing, ": "); doing != "" {
		text += " (" + doing + ")"
	}
	return text
}

func (r *refused) Unwrap() error { return r.cause }

// unanswered reports that an error may come of a refused permission: the server drops such a
// request, and reports it to the connection, not to the caller.
func unanswered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrPermissionViolation) || errors.Is(err, jetstream.ErrAsyncPublishTimeout) ||
		errors.Is(err, jetstream.ErrNoHeartbeat)
}
