package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.uber.org/zap/zapcore"
)

var (
	instanceForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	accountForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	regionForm   = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

// Validate returns nil, or [Faults] with every value that can't work. It looks at values only: no file is opened, no
// name looked up.
func (c Config) Validate() error {
	k := checker{}
	k.check(c)
	return k.faults.err()
}

// checker collects faults of a whole configuration.
type checker struct {
	faults   Faults
	origin   map[string]string // where a key's value was given
	doubtful map[string]bool   // keys whose value isn't what was meant; not judged again
	failed   map[string]bool   // keys that a rule refused
}

func (k *checker) fault(key, message string) {
	if k.doubtful[key] {
		return
	}
	if k.failed == nil {
		k.failed = map[string]bool{}
	}
	k.failed[key] = true
	k.faults = append(k.faults, Fault{Where: k.origin[key], Key: key, Message: message})
}

// clash is a fault of key that another key is part of. It stands where key was given, else where the other was.
func (k *checker) clash(key, other, message string) {
	if !k.sound(key, other) {
		return
	}
	k.fault(key, message)
	if last := &k.faults[len(k.faults)-1]; last.Where == "" {
		last.Where = k.origin[other]
	}
}

// sound tells whether all keys hold what was meant and passed their own rules, so that they can be compared.
func (k *checker) sound(keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return k.doubtful[key] || k.failed[key] })
}

func (k *checker) check(c Config) {
	k.process(c)
	k.nats(c.NATS)
	k.edgeone(c.EdgeOne)
	k.rate("limits.create_per_second", c.Limits.CreatePerSecond, c.EdgeOne.Endpoint)
	k.rate("limits.describe_per_second", c.Limits.DescribePerSecond, c.EdgeOne.Endpoint)
	k.count("batch.max_targets", c.Batch.MaxTargets, 0, 5000)
	k.tracker(c.Tracker)
	k.span("worker.drain", c.Worker.Drain, 0, 10*time.Minute)
	k.count("worker.window", c.Worker.Window, 100, 1_000_000)
	k.count("worker.interactive_window", c.Worker.InteractiveWindow, 100, 1_000_000)
	k.keep(c)
}

func (k *checker) process(c Config) {
	if !instanceForm.MatchString(c.Instance) {
		k.fault("instance", show(c.Instance)+" is no name for an installation; write 1 to 64 of A-Z a-z 0-9 _ . -")
	}
	if _, err := zapcore.ParseLevel(c.Log.Level); err != nil || c.Log.Level == "" {
		k.fault("log.level", show(c.Log.Level)+" is not a level; write debug, info, warn or error")
	}
	if c.HTTP.Listen == "" {
		return
	}
	host, port, ok := splitAddress(c.HTTP.Listen)
	if !ok || host != "" && !validHost(host) || !validPort(port, 0) {
		k.fault("http.listen", show(c.HTTP.Listen)+" is not host:port; write 127.0.0.1:7480, :7480 for all interfaces, "+
			"or leave it empty for no listener")
	}
}

func (k *checker) rate(key string, rate float64, endpoint string) {
	const least, most = 0.01, 1000
	switch {
	case math.IsNaN(rate) || rate < 0 || rate > most:
		k.fault(key, fmt.Sprintf("%v calls per second can't work; write a number from %v to %v", rate, least, most))
	case rate == 0 && !Loopback(endpoint):
		k.clash(key, "edgeone.endpoint", "0 (no limit) is refused for a public endpoint; "+
			"write the account's limit, usually 20")
	case rate != 0 && rate < least:
		k.fault(key, fmt.Sprintf("%v is less than a call in 100 seconds; write at least %v", rate, least))
	}
}

func (k *checker) tracker(t Tracker) {
	k.atLeast("tracker.poll_min", t.PollMin, 100*time.Millisecond)
	if t.PollMax < t.PollMin {
		k.clash("tracker.poll_max", "tracker.poll_min", shortDuration(t.PollMax)+" is less than tracker.poll_min; "+
			"write at least "+shortDuration(t.PollMin))
	}
	const most = 7 * 24 * time.Hour
	if t.Deadline > most {
		k.fault("tracker.deadline", shortDuration(t.Deadline)+" is more than 168h, as far as EdgeOne looks back; write less")
	}
	if t.Deadline < t.PollMax {
		k.clash("tracker.deadline", "tracker.poll_max", shortDuration(t.Deadline)+" is less than tracker.poll_max; "+
			"write at least "+shortDuration(t.PollMax))
	}
}

func (k *checker) keep(c Config) {
	k.atLeast("events.keep", c.Events.Keep, 24*time.Hour)
	if need := 2 * Attempts * c.Tracker.Deadline; k.sound("tracker.deadline") && c.Events.Keep < need {
		k.clash("events.keep", "tracker.deadline", fmt.Sprintf("%s is less than twice tracker.deadline (%s) for each of "+
			"%d attempts; write at least %s, or a shorter deadline", shortDuration(c.Events.Keep),
			shortDuration(c.Tracker.Deadline), Attempts, shortDuration(need)))
	}
	k.atLeast("dead.keep", c.Dead.Keep, time.Hour)
}

func (k *checker) count(key string, count, least, most int) {
	if count < least || count > most {
		k.fault(key, fmt.Sprintf("%d can't work; write %d to %d", count, least, most))
	}
}

func (k *checker) span(key string, d, least, most time.Duration) {
	if d < least || d > most {
		k.fault(key, shortDuration(d)+" can't work; write "+shortDuration(least)+" to "+shortDuration(most))
	}
}

func (k *checker) atLeast(key string, d, least time.Duration) {
	if d < least {
		k.fault(key, shortDuration(d)+" is too short; write at least "+shortDuration(least))
	}
}

// credential refuses what can't be a credential. The value is never shown (I6).
func (k *checker) credential(key, value string) {
	switch {
	case value == mask:
		k.fault(key, "is the mask of a printed configuration; write the value itself")
	case strings.ContainsFunc(value, unicode.IsControl):
		k.fault(key, "holds a line break or another control character; give one line")
	}
}
