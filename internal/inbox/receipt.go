package inbox

import "github.com/edgepurge/edgepurge/internal/record"

// Delivery is a message as it was delivered, with the receipt by which it is answered.
type Delivery struct {
	record.Delivery

	Receipt *Receipt
}

// Receipt stands for one delivery of a message until it is answered. It is small: it is kept while
// the message is held, and the message itself need not be.
type Receipt struct {
	from     *Puller
	sequence uint64
	reply    string
	count    int  // of the deliveries of the message, this one included
	answered bool // guarded by the Inbox's lock
}

// Puller returns what pulled the message.
func (r *Receipt) Puller() *Puller { return r.from }

// Sequence returns the number of the message in its stream.
func (r *Receipt) Sequence() uint64 { return r.sequence }

// Parked reports whether the message is that of a parked request.
func (r *Receipt) Parked() bool { return r.from.queue != nil }

// Same reports whether both are deliveries of one message.
func (r *Receipt) Same(other *Receipt) bool {
	return r.sequence == other.sequence && r.Parked() == other.Parked()
}

// table has the last delivery of each message of a stream that is not answered, by its sequence.
type table map[uint64]*Receipt

func (b *Inbox) table(p *Puller) table {
	if p.queue != nil {
		return b.parked
	}
	return b.lanes
}

// add puts deliveries into the table. One that was delivered before takes the place of the earlier
// delivery.
func (b *Inbox) add(from *Puller, messages []record.Delivery) []Delivery {
	lot := make([]Delivery, len(messages))
	b.mu.Lock()
	defer b.mu.Unlock()
	table := b.table(from)
	for i, d := range messages {
		r := &Receipt{from: from, sequence: d.Sequence, reply: d.Reply, count: d.Count}
		if earlier := table[d.Sequence]; earlier != nil {
			earlier.from.unacked--
		}
		from.unacked++
		table[d.Sequence] = r
		lot[i] = Delivery{d, r}
	}
	return lot
}

// remove takes a message out of the table; the lock must be held.
func (b *Inbox) remove(r *Receipt) {
	table := b.table(r.from)
	if last := table[r.sequence]; last != nil {
		last.from.unacked--
		delete(table, r.sequence)
	}
}
