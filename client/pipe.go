package client

import (
	"context"
	"iter"
)

const (
	// pipeCalls and pipeBytes bound what one pipe has under way: enough to keep the broker busy, and little enough that
	// what others send over the same connection does not wait behind it.
	pipeCalls = 256
	pipeBytes = 8 << 20
)

// parcel is a message of a pipe, with what it is about. With an error it is not sent.
type parcel struct {
	order
	err  error
	call *call
}

// pipe sends messages, many at a time, and hands each over in order, with its answer, until each returns false. It reads
// parcels as fast as answers come.
func (c *shared) pipe(ctx context.Context, parcels iter.Seq[parcel], each func(parcel, answer) bool) {
	var open []parcel
	size, before := 0, c.nc.LastError()
	defer func() {
		for _, p := range open {
			if p.call != nil {
				c.line.forget(p.call)
			}
		}
	}()
	first := func() bool {
		p := open[0]
		a := c.await(ctx, before, p)
		open, size = open[1:], size-len(p.msg.Data)
		return each(p, a)
	}
	for p := range parcels {
		for len(open) == pipeCalls || len(open) > 0 && size+len(p.msg.Data) > pipeBytes {
			if !first() {
				return
			}
		}
		if p.err == nil {
			p.err = context.Cause(ctx) // sends nothing that nobody waits for
		}
		if p.err == nil {
			p.call, p.err = c.line.begin(p.msg)
		}
		open, size = append(open, p), size+len(p.msg.Data)
	}
	for len(open) > 0 {
		if !first() {
			return
		}
	}
}

// await waits for the answer to a parcel.
func (c *shared) await(ctx context.Context, before error, p parcel) answer {
	if p.err != nil {
		return answer{err: p.err}
	}
	select {
	case a := <-p.call.done:
		return a
	default:
	}
	var a answer
	err := c.unlessRefused(ctx, before, p.msg.Subject, func(ctx context.Context) error {
		select {
		case a = <-p.call.done:
			return a.err
		case <-ctx.Done():
			c.line.forget(p.call)
			return context.Cause(ctx)
		}
	})
	return answer{a.msg, err}
}

// lookUps makes the parcels that ask for the ends of requests.
func (c *shared) lookUps(ids iter.Seq[string]) iter.Seq[parcel] {
	return func(yield func(parcel) bool) {
		for id := range ids {
			p := parcel{order: order{id: id}, err: errID}
			if validID(id) {
				p.msg, p.err = c.lookUp(id), nil
			}
			if !yield(p) {
				return
			}
		}
	}
}
