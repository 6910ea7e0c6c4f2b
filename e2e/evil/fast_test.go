//go:build !slow

package evil_test

import "time"

const (
	// slow has every mode tested.
	slow = false
	// answered is how long an answer may take.
	answered = 12 * time.Second
)
