package edgeone

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

const actionCreate = "CreatePurgeTask"

// Purge is one batch.
type Purge struct {
	// Zone is EdgeOne's id.
	Zone string
	Type purge.Type
	// Method is invalidate or delete; empty leaves it to the API. It is sent for prefix, host and all
	// only: the API does not say what it does with it elsewhere.
	Method string
	// Targets are sent as they are, in order; not for all.
	Targets []string
	// Hosts limit a cache tag's purge to host names; sent for tags only.
	Hosts []string
}

// Refusal is a reason and the targets that it keeps out of the job, spelled as they were sent.
type Refusal struct {
	Reason  string
	Targets []string
}

// Created is EdgeOne's answer to a Purge.
type Created struct {
	// JobID names the job; empty if there is none.
	JobID string
	// Refused are the targets that are not in the job.
	Refused []Refusal
	// RequestID is what EdgeOne's support asks for.
	RequestID string
	// ServerTime is the Date header of the answer, in whole seconds; zero if there was none.
	ServerTime time.Time
}

// CreatePurge submits p, once. It is not idempotent. The error is an *Error.
//
// An answer without a job is an error of class NoJob, beside which Created tells what the answer
// held, unless every target is in Refused: that is no error, and there is no job to follow.
func (c *Client) CreatePurge(ctx context.Context, p Purge) (Created, error) {
	var created Created
	x, err := c.call(ctx, actionCreate, func(ctx context.Context) (err error) {
		created, err = c.api.createPurge(ctx, p)
		if err == nil && created.JobID == "" && !created.refusesAll(p.Targets) {
			err = fmt.Errorf("%w, and refuses %d of %d targets", errNoJob, created.refused(), len(p.Targets))
		}
		return err
	})
	e, ok := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, errNoJob) && ok:
		e.RequestID = created.RequestID
	case err != nil:
		return Created{}, err
	}
	created.ServerTime = x.date
	return created, err
}

// refused counts the targets that the answer names as refused.
func (c Created) refused() int {
	n := 0
	for _, r := range c.Refused {
		n += len(r.Targets)
	}
	return n
}

// refusesAll reports whether the answer refuses every target: each by its name, or, spelled otherwise, as many.
func (c Created) refusesAll(targets []string) bool {
	refused := make(map[string]struct{}, len(targets))
	for _, r := range c.Refused {
		for _, target := range r.Targets {
			refused[target] = struct{}{}
		}
	}
	return len(targets) > 0 && len(refused) >= len(targets)
}
