package edgeone

import (
	"context"
	"fmt"
	"iter"
)

// maxRows bounds what one listing reads, and with it its memory: 100,000 rows are 20 jobs of the
// largest kind.
const maxRows = 100_000

// page is one page of a list.
type page[T any] struct {
	rows []T
	// seen counts the rows of the answer, those that were null included.
	seen int
	// total counts the rows of all pages; -1 if the answer does not tell.
	total int
}

// listing reads a list page by page, each row once by its key.
//
// Where the offset is vague, rows are tried first: a page of 1,000 at offset 1,000 is the second by
// rows, and the thousandth by pages, which no list that is read here has. So an empty page where the
// count promises rows means that pages are counted, and the list goes on with page 2. Neither reading
// can miss rows silently: a list ends only when as many were seen as the count says.
type listing[T any, K comparable] struct {
	action string
	limit  int
	vague  bool                        // the offset may count pages, from 1
	before func(context.Context) error // may be nil
	fetch  func(ctx context.Context, offset int) (page[T], error)
	key    func(T) K
}

// place is how far a list has been read.
type place struct {
	row   int // rows that were seen
	first int // rows of the first page
	page  int // what is next, where offsets count pages; 0: they count rows
}

func (at place) offset() int {
	if at.page > 0 {
		return at.page
	}
	return at.row
}

// after returns the place behind a page of so many rows.
func (at place) after(rows int) place {
	if at.row == 0 {
		at.first = rows
	}
	if at.page > 0 {
		at.page++
	}
	at.row += rows
	return at
}

// byPages returns the second page, for offsets that count pages.
func (at place) byPages() place { return place{row: at.first, first: at.first, page: 2} }

// all returns the rows. An error is the last item.
func (l listing[T, K]) all(ctx context.Context, c *Client) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		known := make(map[K]int)
		for at := (place{}); ; {
			p, err := l.next(ctx, c, at.offset())
			if err != nil {
				yield(none, err)
				return
			}
			if l.countsPages(p, at) {
				at = at.byPages()
				continue
			}
			if l.repeats(p, at, known) {
				p = page[T]{total: p.total}
			}
			if !l.emit(p, at, known, yield) {
				return
			}
			at = at.after(p.seen)
			if l.over(p, at.row) {
				return
			}
			if err := l.stuck(p, at.row); err != nil {
				yield(none, c.newError(&exchange{action: l.action, sent: true}, err))
				return
			}
		}
	}
}

// next paces and reads one page.
func (l listing[T, K]) next(ctx context.Context, c *Client, offset int) (page[T], error) {
	if l.before != nil {
		if err := l.before(ctx); err != nil {
			return page[T]{}, c.newError(&exchange{action: l.action}, err)
		}
	}
	return l.fetch(ctx, offset)
}

// countsPages tells whether p, read by rows, shows that offsets count pages.
func (l listing[T, K]) countsPages(p page[T], at place) bool {
	return l.vague && at.page == 0 && at.row > 0 && p.seen == 0 && (p.total < 0 || p.total > at.row)
}

// repeats tells whether p, read by its number, is for the most part the first page again. Then offsets
// count rows after all, and the page that was empty was a fault of the moment, or the end of a list
// without a count; and p is worth no more than an empty one.
func (l listing[T, K]) repeats(p page[T], at place, known map[K]int) bool {
	if at.page == 0 {
		return false
	}
	again := 0
	for _, row := range p.rows {
		if begin, ok := known[l.key(row)]; ok && begin == 0 {
			again++
		}
	}
	return 2*again > len(p.rows)
}

// emit yields the rows that are not yet known, and tells whether more are wanted. known has the row at
// which the page began that a key was first seen on.
func (l listing[T, K]) emit(p page[T], at place, known map[K]int, yield func(T, error) bool) bool {
	for _, row := range p.rows {
		key := l.key(row)
		if _, ok := known[key]; ok {
			continue
		}
		known[key] = at.row
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// over tells whether p, which ends before row offset, is the last page. Without a count it is the
// first that is not full.
func (l listing[T, K]) over(p page[T], offset int) bool {
	if p.total < 0 {
		return p.seen < l.limit
	}
	return offset >= p.total
}

// stuck tells why there is no use in reading on.
func (l listing[T, K]) stuck(p page[T], offset int) error {
	switch {
	case p.seen == 0:
		return fmt.Errorf("%w: row %d of %d is missing", errFewRows, offset+1, p.total)
	case offset >= maxRows:
		return fmt.Errorf("%w: %d of %d", errMoreRows, offset, p.total)
	}
	return nil
}

// collect gathers a list; none of it with an error.
func collect[T any](list iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for row, err := range list {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}
