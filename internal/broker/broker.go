package broker

import "go.uber.org/zap"

// Broker is one connection to NATS with a part for each stream. Who needs one stream takes its
// part.
type Broker struct {
	Conn    *Conn
	Streams *Streams // all of them: what they should be, and are
	Stages  *Stages

	Requests *Requests
	Events   *Events
	Dead     *Dead
	Jobs     *Jobs
	Progress *Progress
	Parked   *Parked
	Control  *Control
}

// Connect opens the connection. With a server away it returns at once and keeps trying in the
// background; only options that can't work are an error, see [Dial.Check]. The caller closes Conn.
func Connect(d Dial, set Settings, log *zap.Logger) (*Broker, error) {
	c, err := dial(d, set, log)
	if err != nil {
		return nil, err
	}
	return of(c), nil
}

// of returns a connection its parts.
func of(c *Conn) *Broker {
	b := &Broker{
		Conn: c, Requests: &Requests{c}, Events: &Events{c}, Jobs: &Jobs{c}, Progress: &Progress{c}, Parked: &Parked{conn: c},
		Control: &Control{conn: c},
	}
	b.Dead = &Dead{c, b.Events}
	b.Streams = &Streams{conn: c, control: b.Control}
	b.Stages = &Stages{
		requests: b.Requests, parked: b.Parked, jobs: b.Jobs, progress: b.Progress, events: b.Events, conn: c,
	}
	return b
}
