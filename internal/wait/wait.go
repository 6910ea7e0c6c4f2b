// Package wait has the two small forms of waiting that all goroutines of the product share: to pass
// time until a context ends, and to wake a goroutine that waits. It keeps no state. Waits for
// several events at once are plain select statements where they are needed.
package wait

import (
	"context"
	"time"
)

// Sleep blocks for d, or until ctx ends, and reports whether d passed. It returns at once when d is
// not positive. It returns false whenever ctx has ended by then.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	return ctx.Err() == nil
}

// Signal wakes the goroutine that receives from c, now or when it next does. It does not block. c
// has the capacity 1, so that several signals before one receive wake that goroutine once.
func Signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
