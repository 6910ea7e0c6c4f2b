package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// Queue is where requests wait together that can't be sent now: those of a zone and type whose day
// is spent, say.
type Queue struct {
	Account string
	Zone    string // empty: their zone is not known yet
	Type    purge.Type
	Lane    purge.Lane
}

// Parked is a request that was taken out of the request stream and waits in a queue. It stands for
// every target of the request that is in no job and has no outcome.
type Parked struct {
	Version int           `json:"v"`
	Request Request       `json:"request"`
	Body    purge.Request `json:"body"`
	// Sent is when EdgeOne was first asked for a target of the request, if it was: the request can
	// no longer be rejected.
	Sent time.Time `json:"sent,omitzero"`
	// Partial says that some targets are in jobs or have their outcome. Their places in
	// Body.Targets are empty: the records of jobs and of progress say what became of them.
	Partial bool `json:"partial,omitempty"`
}

// Encode returns the stored form.
func (p *Parked) Encode() ([]byte, error) {
	var buf bytes.Buffer
	stored := *p
	stored.Version = Version
	if err := encoder(&buf).Encode(stored); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	return buf.Bytes(), nil
}

// DecodeParked reads the stored form. Its error is [ErrVersion] for a newer record.
func DecodeParked(data []byte) (*Parked, error) {
	var p Parked
	err := json.Unmarshal(data, &p)
	if err := checkVersion(p.Version, err); err != nil {
		return nil, fmt.Errorf("decode parked request: %w", err)
	}
	return &p, nil
}
