package inbox

import (
	"sync"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// Budget bounds the targets that are held in memory, for each lane (I5). All methods are safe for
// concurrent use.
//
// A large interactive request counts on the bulk lane, so that it does not keep urgent ones out.
// Nobody can know that a request is large before it was pulled: where such requests fill the whole
// budget of the bulk lane, the interactive one has no room either.
type Budget struct {
	freed map[purge.Lane]chan struct{} // capacity 1: the lane may have more room

	mu     sync.Mutex
	size   map[purge.Lane]int
	used   map[purge.Lane]int
	large  int // of used[Bulk], what came by the interactive lane
	unread int // messages whose targets are not known: each counts one target on both lanes
}

// Charge is what one request counts for. The Budget guards it; the zero Charge counts for nothing.
// Each request has one: it is small.
type Charge struct {
	targets     int
	interactive bool // it counts on the interactive lane, not on the bulk lane
	large       bool // it came by the interactive lane, and counts on the bulk lane
}

// NewBudget returns a Budget of so many targets for each lane; they are at least 1.
func NewBudget(interactive, bulk int) *Budget {
	return &Budget{
		freed: map[purge.Lane]chan struct{}{
			purge.Interactive: make(chan struct{}, 1), purge.Bulk: make(chan struct{}, 1),
		},
		size: map[purge.Lane]int{purge.Interactive: interactive, purge.Bulk: bulk},
		used: make(map[purge.Lane]int),
	}
}

// Size returns how many targets of a lane are held at most, except for the pull that crosses the
// line.
func (b *Budget) Size(lane purge.Lane) int { return b.size[lane] }

// Used returns how many targets count on a lane now.
func (b *Budget) Used(lane purge.Lane) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used[lane]
}

// Room returns how many more targets a lane may take in, negative when there are too many. A
// request that is larger than the room, or than the whole budget, is taken in all the same.
func (b *Budget) Room(lane purge.Lane) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if lane == purge.Interactive && b.large >= b.size[purge.Bulk] {
		return 0
	}
	return b.size[lane] - b.used[lane] - b.unread
}

// Set changes what a request counts for: so many targets on a lane. It came by the lane came.
func (b *Budget) Set(c *Charge, came, on purge.Lane, targets int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := *c
	b.add(before, -1)
	*c = Charge{targets, on == purge.Interactive, came != on}
	b.add(*c, 1)
	if targets < before.targets || c.interactive != before.interactive && before.targets > 0 {
		b.signal()
	}
}

// Clear ends what a request counts for.
func (b *Budget) Clear(c *Charge) { b.Set(c, "", "", 0) }

// Unread adds n messages that are held and not read yet; a negative n takes them away.
func (b *Budget) Unread(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unread += n
	if n < 0 {
		b.signal()
	}
}

// add must be called with the lock held.
func (b *Budget) add(c Charge, sign int) {
	on := purge.Bulk
	if c.interactive {
		on = purge.Interactive
	}
	b.used[on] += sign * c.targets
	if c.large {
		b.large += sign * c.targets
	}
}

func (b *Budget) signal() {
	for _, freed := range b.freed {
		wait.Signal(freed)
	}
}
