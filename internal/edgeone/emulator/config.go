package emulator

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
)

// Credentials that are accepted where none are configured.
const (
	DefaultSecretID  = "AKIDEMULATOR"
	DefaultSecretKey = "emulator-secret"
)

// The two kinds of rate window: whole seconds of the wall clock, or any second.
const (
	WindowFixed   = "fixed"
	WindowSliding = "sliding"
)

// Config tells an Emulator how to behave. The zero value is a zone that owns every host, without limits,
// latency or faults, whose jobs are done at once; [Default] has what the command line starts from.
type Config struct {
	// SecretID and SecretKey are the one accepted key pair. Both empty: AKIDEMULATOR and emulator-secret.
	SecretID, SecretKey string
	// Token is the session token that goes with a temporary key pair. Empty: a call must not carry one.
	Token string

	// Rate is the number of calls a second that each action takes. 0: no limit.
	Rate int
	// Window is WindowFixed or WindowSliding. Defaults to WindowFixed.
	Window string
	// Latency is the time between reading and answering a call; a job is created before it.
	Latency time.Duration
	// BatchQuota is the number of targets a submission takes, for every type, below the ceilings of the API
	// (EdgeOne FAQ: URL 5000, directory 1000, hostname 1000, tag 100, prefetch 5000). 0: the ceilings.
	BatchQuota int
	// DailyQuota is the number of targets a day for each zone and type. 0: no limit.
	DailyQuota int
	// Day is the length of the quota's day. The first one begins with New. Defaults to 24 h.
	Day time.Duration
	// TaskTime is the time from a job's creation until its rows are final. 0: at once.
	TaskTime time.Duration
	// Faults holds the share of calls (or jobs, or rows) that each kind of fault takes; see ParseFaults.
	Faults map[string]float64
	// Unknown chooses among behaviours the documents leave open; see ParseUnknown.
	Unknown map[string]string
	// Zones holds the hosts of each zone id; `*.example.com` owns what is below example.com and `*` everything.
	// Empty: each id of the form zone-[A-Za-z0-9]+ is a zone that owns every host, and zone-emulator is listed.
	Zones map[string][]string
	// Seed makes the draws of faults repeatable.
	Seed uint64

	// Retention is how long rows are told. Defaults to 7 days, the longest span a query may have.
	Retention time.Duration
	// MaxRows bounds the rows held; beyond it the oldest jobs are forgotten. Defaults to 5,000,000.
	MaxRows int
	// Log gets a debug line for each call. Nil: no log.
	Log *zap.Logger
}

// Default returns the configuration that the command line's flags start from.
func Default() Config {
	return Config{
		Rate:       20,
		Window:     WindowFixed,
		Latency:    40 * time.Millisecond,
		BatchQuota: 500,
		Day:        24 * time.Hour,
		TaskTime:   2 * time.Second,
	}
}

// Validate tells everything that can't work, each fault with the flag it belongs to.
func (c Config) Validate() error {
	var faults []error
	if (c.SecretID == "") != (c.SecretKey == "") {
		faults = append(faults, errors.New("secret id and secret key: set both or none"))
	}
	if w := cmp.Or(c.Window, WindowFixed); w != WindowFixed && w != WindowSliding {
		faults = append(faults, fmt.Errorf("--window %s: want %s or %s", w, WindowFixed, WindowSliding))
	}
	for _, f := range []struct {
		flag  string
		value int64
	}{
		{"--rate", int64(c.Rate)},
		{"--latency", int64(c.Latency)},
		{"--batch-quota", int64(c.BatchQuota)},
		{"--daily-quota", int64(c.DailyQuota)},
		{"--day", int64(c.Day)},
		{"--task-time", int64(c.TaskTime)},
		{"retention", int64(c.Retention)},
		{"rows to hold", int64(c.MaxRows)},
	} {
		if f.value < 0 {
			faults = append(faults, fmt.Errorf("%s: must not be negative", f.flag))
		}
	}
	faults = append(faults, checkFaults(c.Faults)...)
	for _, name := range slices.Sorted(maps.Keys(c.Unknown)) {
		faults = append(faults, checkUnknown(name, c.Unknown[name]))
	}
	for _, id := range slices.Sorted(maps.Keys(c.Zones)) {
		faults = append(faults, checkZone(id, c.Zones[id]))
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	if c.SecretID == "" && c.SecretKey == "" {
		c.SecretID, c.SecretKey = DefaultSecretID, DefaultSecretKey
	}
	c.Window = cmp.Or(c.Window, WindowFixed)
	c.Day = cmp.Or(c.Day, 24*time.Hour)
	c.Retention = cmp.Or(c.Retention, 7*24*time.Hour)
	c.MaxRows = cmp.Or(c.MaxRows, 5_000_000)
	c.Log = cmp.Or(c.Log, zap.NewNop())
	return c
}
