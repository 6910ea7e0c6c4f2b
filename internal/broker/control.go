package broker

// Control is the stream of what the replicas agree on: the lease that makes one of them the leader,
// its hand-over, and the lanes that are paused. It is safe for concurrent use.
type Control struct {
	conn    *Conn
	vacancy vacancy
}
