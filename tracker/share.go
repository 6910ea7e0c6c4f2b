package tracker

import "time"

// crowdWait is how long a poll is put off whose zone has as many in flight as it may.
const crowdWait = 100 * time.Millisecond

// begin takes a place for a poll of a zone, unless the zone has as many as are free: a zone whose calls get no answer
// leaves half of the places to the others, and the next such zone half of these.
func (t *Tracker) begin(zone string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asking[zone] >= max(1, atOnce-t.asked) {
		return false
	}
	t.asking[zone]++
	t.asked++
	return true
}

// answered gives the place back once the zone's answers are there.
func (t *Tracker) answered(zone string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked--
	if t.asking[zone]--; t.asking[zone] == 0 {
		delete(t.asking, zone)
	}
}
