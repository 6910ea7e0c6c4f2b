package record

import (
	"errors"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// ErrGone says that a stream or consumer does not exist any more: trying again is in vain until it
// is provisioned.
var ErrGone = errors.New("the stream or consumer does not exist any more")

// ErrUnfit says that a record can't be stored, now or later: it is too large, or has no stored
// form.
var ErrUnfit = errors.New("record can't be stored")

// Delivery is one delivery of a request message, as plain data: what the worker needs of it, and by
// which reply subject the broker acks it.
type Delivery struct {
	Subject     string
	Data        []byte
	ContentType string
	MsgID       string // its purge.MessageID
	Event       purge.EventHeader
	Sequence    uint64 // in its stream
	Stored      time.Time
	Count       int // 1 for the first delivery
	Reply       string
}

// DeadLetter is a request message that was refused, with the reason, its original bytes kept.
type DeadLetter struct {
	Key         Key
	Code        string
	Message     string
	Subject     string
	ContentType string
	Data        []byte
	Sequence    uint64
	Stored      time.Time
}

// Place is where a record that may be replaced is stored; the zero Place is none.
type Place struct {
	Subject  string
	Sequence uint64
}

// StoredJob is a part of a job as the stream holds it.
type StoredJob struct {
	Sequence uint64
	Data     []byte
}
