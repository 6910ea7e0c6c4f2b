package emulator

import "strings"

// list holds strings in one block of text: four bytes and no pointer for each beyond its own bytes, because
// millions are kept and the garbage collector would walk each pointer.
type list struct {
	text string
	ends []uint32
}

func (l list) len() int { return len(l.ends) }

func (l list) at(i int) string {
	if i == 0 {
		return l.text[:l.ends[0]]
	}
	return l.text[l.ends[i-1]:l.ends[i]]
}

// bytes returns about what the list costs in memory.
func (l list) bytes() int { return len(l.text) + 4*len(l.ends) }

// strings returns the elements as a slice that shares the list's text.
func (l list) strings() []string {
	all := make([]string, l.len())
	for i := range all {
		all[i] = l.at(i)
	}
	return all
}

// first returns the list of the first n elements. It shares the text of l where that wastes nothing.
func (l list) first(n int) list {
	if n >= l.len() {
		return l
	}
	if n == 0 {
		return list{}
	}
	return list{text: strings.Clone(l.text[:l.ends[n-1]]), ends: append([]uint32(nil), l.ends[:n]...)}
}

// rest returns the elements from the nth on.
func (l list) rest(n int) list {
	var b listBuilder
	for i := n; i < l.len(); i++ {
		b.add(l.at(i))
	}
	return b.list()
}

// listBuilder gathers a list.
type listBuilder struct {
	text []byte
	ends []uint32
}

func (b *listBuilder) add(s string) {
	b.text = append(b.text, s...)
	b.ends = append(b.ends, uint32(len(b.text)))
}

func (b *listBuilder) addBytes(s []byte) {
	b.text = append(b.text, s...)
	b.ends = append(b.ends, uint32(len(b.text)))
}

// list returns what was added, in memory of just that size. The builder must not be used again.
func (b *listBuilder) list() list {
	return list{text: string(b.text), ends: append([]uint32(nil), b.ends...)}
}

func listOf(elements ...string) list {
	var b listBuilder
	for _, s := range elements {
		b.add(s)
	}
	return b.list()
}
