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
type listing[T any, K comparable] struct {
	action string
	limit  int
	before func(context.Context) error // may be nil
	fetch  func(ctx context.Context, offset int) (page[T], error)
	key    func(T) K
}

// all returns the rows. An error is the last item.
func (l listing[T, K]) all(ctx context.Context, c *Client) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		known := make(map[K]struct{})
		for offset := 0; ; {
			p, err := l.next(ctx, c, offset)
			if err != nil {
				yield(none, err)
				return
			}
			if !l.emit(p, known, yield) {
				return
			}
			offset += p.seen
			if l.over(p, offset) {
				return
			}
			if err := l.stuck(p, offset); err != nil {
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

// emit yields the rows that are not yet known, and tells whether more are wanted.
func (l listing[T, K]) emit(p page[T], known map[K]struct{}, yield func(T, error) bool) bool {
	for _, row := range p.rows {
		key := l.key(row)
		if _, ok := known[key]; ok {
			continue
		}
		known[key] = struct{}{}
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
