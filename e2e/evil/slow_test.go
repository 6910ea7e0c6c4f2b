//go:build slow

package evil_test

import "time"

const (
	// slow has every mode tested.
	slow = true
	// answered is how long an answer may take where all of a hundred installations share the machine.
	answered = 30 * time.Second
)
