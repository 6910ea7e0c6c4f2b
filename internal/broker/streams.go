package broker

import "sync/atomic"

// Streams are all streams and consumers of an installation: what they should be, what they are, and
// how they get there. It is safe for concurrent use.
type Streams struct {
	conn    *Conn
	control *Control
	seen    atomic.Bool // the streams were there, or were made by this Streams
}
