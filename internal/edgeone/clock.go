package edgeone

import "time"

// Precision is that in which EdgeOne tells times: the Date of an answer and a task's CreateTime,
// both cut to it.
const Precision = time.Second

// Clock is what is known of the server's clock: two bounds, which each answer brings nearer to each
// other. Nothing is taken from this machine's time of day, only how long things take. The zero Clock knows
// nothing; it is not safe for concurrent use.
type Clock struct {
	at          time.Time // of the last reading
	least, most time.Time // what the server's clock may have told then; zero: not known
}

// drift is how much two clocks may part while none is read: 100 ppm, twice what a cheap quartz does.
const drift = 10_000

// Read takes in the Date of a call's answer.
func (c *Clock) Read(server, sent, answered time.Time) {
	if server.IsZero() {
		return
	}
	least, most := server, server.Add(Precision+answered.Sub(sent))
	if !c.at.IsZero() {
		before, after := c.Bounds(answered)
		before, after = later(least, before), sooner(most, after)
		if !after.Before(before) { // else one of the clocks was set
			least, most = before, after
		}
	}
	c.at, c.least, c.most = answered, least, most
}

// Known tells whether an answer was read.
func (c *Clock) Known() bool { return !c.at.IsZero() }

// Bounds tells between which times the server's clock was at an instant of ours.
func (c *Clock) Bounds(at time.Time) (least, most time.Time) {
	d := at.Sub(c.at)
	slack := d.Abs() / drift
	return c.least.Add(d - slack), c.most.Add(d + slack)
}

// Blur is how much older than a send a job may be that can't be told from one made after it.
func (c *Clock) Blur(sent time.Time) time.Duration {
	least, most := c.Bounds(sent)
	return Precision + most.Sub(least)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
