package broker

import "github.com/nats-io/nats.go"

// What the tests look at from within.
var (
	Recent     = recent
	ConsumerOf = consumerOf
)

// PullMessages bounds one pull.
const PullMessages = pullMessages

// NATS is the connection as the client library has it.
func (c *Conn) NATS() *nats.Conn { return c.nc }

// Come is how much the open pull has brought that nobody has taken.
func (l *Lane) Come() int { return len(l.cur.msgs) }
