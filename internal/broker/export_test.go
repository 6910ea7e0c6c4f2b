package broker

import "github.com/nats-io/nats.go"

// What the tests look at from within.
var (
	Recent     = recent
	ConsumerOf = consumerOf
)

// PullMessages bounds one pull.
const PullMessages = pullMessages

// Conn is the connection.
func (b *Broker) Conn() *nats.Conn { return b.nc }
