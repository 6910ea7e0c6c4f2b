package main

import (
	"os"
	"runtime/debug"

	"github.com/edgepurge/edgepurge/internal/config"
)

const (
	// memoryBase and memoryPerTarget are about twice what is in use: 56 MB with 50,000 requests of one address
	// each in the bulk window, which leaves Go room to collect seldom.
	memoryBase      = 48 << 20
	memoryPerTarget = 1300
)

// softLimit is the memory beyond which Go collects garbage sooner than it would: twice what is in use is
// its habit, and more than a worker with its windows full needs.
func softLimit(w config.Worker) int64 {
	return memoryBase + memoryPerTarget*int64(w.Window+w.InteractiveWindow)
}

// limitMemory sets the limit, unless whoever runs the process has by GOMEMLIMIT.
func limitMemory(w config.Worker) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit(w))
	}
}
