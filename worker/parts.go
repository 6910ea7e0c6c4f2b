package worker

import (
	"iter"

	"github.com/edgepurge/edgepurge/internal/inbox"
)

// admitBytes bounds the messages that are read at a time, in bytes. What is read of a message is
// many times as large until it is known what becomes of it (I5). 4,096 messages of the usual size
// are less.
const admitBytes = 1 << 20

// parts cuts deliveries into parts of at most admitBytes, or of one message.
func parts(lot []inbox.Delivery) iter.Seq[[]inbox.Delivery] {
	return func(yield func([]inbox.Delivery) bool) {
		begin, size := 0, 0
		for i := range lot {
			if size += len(lot[i].Data); size > admitBytes && i > begin {
				if !yield(lot[begin:i]) {
					return
				}
				begin, size = i, len(lot[i].Data)
			}
		}
		yield(lot[begin:])
	}
}
