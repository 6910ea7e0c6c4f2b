package client

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/edgepurge/edgepurge/purge"
)

// PurgeMany asks for many purges, and yields the id of each in the order of requests, once the broker has stored it. It
// takes requests as fast as the broker answers: at most 256 of them, or 8 MiB, are under way. A request without an id gets
// one, as from [Client.Purge], which also says how long a call goes on.
//
// An error that is a [*purge.Reason] or [ErrTooLarge] is that of one request: the loop goes on behind it. Any other is the
// last; its id is that of the first request that may not be stored. Those behind it may be stored or not. When the loop is
// left, what was under way may be stored or not.
func (c *Client) PurgeMany(ctx context.Context, requests iter.Seq[purge.Request]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := c.enter(); err != nil {
			yield("", fmt.Errorf("purge: %w", err))
			return
		}
		defer c.leave()
		c.putMany(ctx, c.parcels(requests), func(id string, err error) bool {
			if err != nil {
				err = fmt.Errorf("purge %s: %w", id, err)
			}
			return yield(id, err) && (err == nil || ofOne(err))
		})
	}
}

// ofOne reports whether an error concerns one request, so that others may still succeed.
func ofOne(err error) bool {
	_, ok := errors.AsType[*purge.Reason](err)
	return ok || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrIDReused)
}

// parcels makes requests ready to be sent, until the client is closed.
func (c *Client) parcels(requests iter.Seq[purge.Request]) iter.Seq[parcel] {
	return func(yield func(parcel) bool) {
		for r := range requests {
			o, err := c.order(r)
			if err != nil {
				o.id = r.ID
			}
			select {
			case <-c.closing:
				yield(parcel{order: o, err: ErrClosed})
				return
			default:
			}
			if !yield(parcel{order: o, err: err}) {
				return
			}
		}
	}
}

// putMany publishes until each returns false, and hands over what became of each message. One that is not answered as it
// should be is published again, while those behind it wait for their turn.
func (c *shared) putMany(ctx context.Context, parcels iter.Seq[parcel], each func(string, error) bool) {
	c.pipe(ctx, parcels, func(p parcel, a answer) bool {
		err := published(a)
		if err != nil && p.call != nil && again(err) {
			err = c.publish(ctx, p.order)
		}
		return each(p.id, err)
	})
}

// Ended looks up the requests of this source with these ids, and yields the outcome of each that has ended, in the order of
// the ids, and nothing for the others. It needs the rights of [Client.Status], and asks up to 256 questions at once. An
// error is the last that it yields. On a replicated stream an event may be missed that was stored a moment ago.
func (c *Client) Ended(ctx context.Context, ids iter.Seq[string]) iter.Seq2[purge.Outcome, error] {
	return func(yield func(purge.Outcome, error) bool) {
		c.ended(ctx, ids, func(id string, got purge.Outcome, err error) bool {
			switch {
			case err == nil:
				return yield(got, nil)
			case errors.Is(err, ErrNoEvent):
				return true
			}
			yield(c.unknown(id), fmt.Errorf("look up %s: %w", id, err))
			return false
		})
	}
}

// ended looks up requests until each returns false, and hands over what became of each.
func (c *shared) ended(ctx context.Context, ids iter.Seq[string], each func(string, purge.Outcome, error) bool) {
	c.pipe(ctx, c.lookUps(ids), func(p parcel, a answer) bool {
		got, err := purge.Outcome{}, a.err
		if err == nil {
			got, err = c.found(a.msg, p.id)
		}
		if err != nil && p.call != nil && again(err) {
			got, err = c.look(ctx, p.id)
		}
		return each(p.id, got, err)
	})
}
