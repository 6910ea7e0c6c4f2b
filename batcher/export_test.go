package batcher

// Lined is the number of groups and of places in their queues, those of the gone among them.
func (b *Batcher[W]) Lined() int {
	n := len(b.groups)
	for _, g := range b.groups {
		n += len(g.urgent.line) + len(g.bulk.line)
	}
	return n
}
