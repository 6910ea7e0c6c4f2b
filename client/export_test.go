package client

import "time"

// SetAbsence makes a missing stream one sooner than a program would want it.
func (c *Client) SetAbsence(d time.Duration) { c.cfg.Absence = d }

// Under is how many publishes are under way.
func (c *Client) Under() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.under
}

// Closed tells whether Close was called.
func (c *Client) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}
