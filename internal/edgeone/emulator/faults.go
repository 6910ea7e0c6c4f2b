package emulator

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// The kinds of fault. The first block takes a share of the calls, the second of the jobs, the third of the rows.
const (
	faultNone       = ""
	faultError5xx   = "error5xx"    // HTTP 500 or 502, not executed
	faultTimeout    = "timeout"     // no answer, not executed
	faultReset      = "reset"       // connection closed, not executed
	faultLostAnswer = "lost-answer" // executed, then connection closed
	faultHTML       = "html"        // 200 and a page, not executed
	faultEmpty      = "empty"       // 200 and nothing, not executed
	faultThrottle   = "throttle"    // RequestLimitExceeded, not executed
	faultSlow       = "slow"        // executed, answered late

	faultUnseen = "unseen" // the job never shows

	faultTaskFailed  = "task-failed"
	faultTaskTimeout = "task-timeout"
)

var (
	callFaults = []string{
		faultError5xx, faultTimeout, faultReset, faultLostAnswer, faultHTML, faultEmpty, faultThrottle, faultSlow,
	}
	rowFaults = []string{faultTaskFailed, faultTaskTimeout}
)

// checkFaults tells unknown kinds, shares outside 0 to 1, and kinds that together take more than there is.
func checkFaults(shares map[string]float64) []error {
	var faults []error
	for _, kind := range slices.Sorted(maps.Keys(shares)) {
		if kind != faultUnseen && !slices.Contains(callFaults, kind) && !slices.Contains(rowFaults, kind) {
			faults = append(faults, fmt.Errorf("--fault %s: want one of %s, %s, %s", kind,
				strings.Join(callFaults, ", "), strings.Join(rowFaults, ", "), faultUnseen))
		}
		if s := shares[kind]; !(s >= 0 && s <= 1) {
			faults = append(faults, fmt.Errorf("--fault %s=%v: want a share from 0 to 1", kind, s))
		}
	}
	for _, kinds := range [][]string{callFaults, rowFaults} {
		sum := 0.0
		for _, kind := range kinds {
			sum += shares[kind]
		}
		if sum > 1+1e-9 {
			faults = append(faults, fmt.Errorf("--fault: the shares of %s add up to more than 1", strings.Join(kinds, ", ")))
		}
	}
	return faults
}

// faults draws what goes wrong. One draw decides among the kinds of a block, so that each has exactly its share.
type faults struct {
	shares map[string]float64 // read-only

	mu  sync.Mutex
	rng *rand.Rand // guarded by mu
}

func newFaults(shares map[string]float64, seed uint64) *faults {
	return &faults{shares: maps.Clone(shares), rng: rand.New(rand.NewPCG(seed, 0x7465_6f65_6d75))}
}

// call draws the fault of one call.
func (f *faults) call() string {
	if len(f.shares) == 0 {
		return faultNone
	}
	at := f.unit()
	for _, kind := range callFaults {
		if at -= f.shares[kind]; at < 0 {
			return kind
		}
	}
	return faultNone
}

// unseen draws whether a job never shows.
func (f *faults) unseen() bool {
	share := f.shares[faultUnseen]
	return share > 0 && f.unit() < share
}

// luck draws what a job's rows are judged by; 0 is a job in which nothing fails.
func (f *faults) luck() uint64 {
	if f.shares[faultTaskFailed] == 0 && f.shares[faultTaskTimeout] == 0 {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.Uint64() | 1
}

// end tells how a row of a job with that luck ends. It is computed anew each time, so that a row needs no memory.
func (f *faults) end(luck uint64, row int) status {
	if luck == 0 {
		return statusSuccess
	}
	at := float64(scatter(luck+uint64(row)*0x9e3779b97f4a7c15)>>11) / (1 << 53)
	if at -= f.shares[faultTaskFailed]; at < 0 {
		return statusFailed
	}
	if at -= f.shares[faultTaskTimeout]; at < 0 {
		return statusTimeout
	}
	return statusSuccess
}

func (f *faults) unit() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.Float64()
}

// scatter is the finalizer of splitmix64: every bit of the input moves about half of the output's.
func scatter(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
