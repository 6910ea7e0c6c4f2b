package e2e_test

import (
	"net/http"
)

const (
	createPurge   = "CreatePurgeTask"
	describeZones = "DescribeZones"
	describeHosts = "DescribeAccelerationDomains"
	describeQuota = "DescribeContentQuota"
)

// call is a call as it came to the API.
type call struct {
	Action  string   `json:"-"`
	Body    []byte   `json:"-"`
	Zone    string   `json:"ZoneId"`
	Type    string   `json:"Type"`
	Targets []string `json:"Targets"`
}

// tap is a front that refuses what a test wants refused, and counts the calls that purge.
type tap struct{ *front }

// tap has the workers that are started from now on call the API through a tap. refused gives the
// code by which a call is refused, empty for none; it may be nil.
func (w *world) tap(refused func(call) (code string)) tap {
	w.t.Helper()
	if refused == nil {
		return tap{w.front(nil)}
	}
	return tap{w.front(func(rw http.ResponseWriter, c *seen) bool {
		code := refused(c.call)
		if code != "" {
			refuse(rw, code)
		}
		return code != ""
	})}
}

// heal ends the refusals.
func (tp tap) heal() { tp.set(nil) }

// all gives the calls that purge, in their order.
func (tp tap) all() []call {
	var calls []call
	for _, c := range tp.front.all(createPurge, nil) {
		calls = append(calls, c.call)
	}
	return calls
}

// extra counts the calls that carried nothing new: those that a clean run does not need.
func (tp tap) extra() (n int) {
	seen := make(map[string]bool)
	for _, c := range tp.all() {
		fresh := false
		for _, target := range c.Targets {
			fresh = fresh || !seen[target]
			seen[target] = true
		}
		if !fresh {
			n++
		}
	}
	return n
}

// alone tells whether a call carried a target and nothing else.
func (tp tap) alone(target string) bool {
	for _, c := range tp.all() {
		if len(c.Targets) == 1 && c.Targets[0] == target {
			return true
		}
	}
	return false
}
