// Package config is what an installation can be told: one YAML file, overlaid by environment variables, checked as a
// whole before anything starts.
//
// It stands at the very beginning of the flow: [Load] gives the [Config] from which the application wires every other
// part; nothing reads a variable or a file of settings behind its back. Precedence: an EDGEPURGE_ variable beats the
// variable that other tools know too (NATS_URL, TENCENTCLOUD_SECRET_ID), which beats the file, which beats [Default].
//
// It promises that all faults are told at once, each on one line with its place (file and line, or variable), its key
// and what to do, and that no secret stands in a fault, a warning or a printed configuration (I6).
//
// It does not connect, look up names or ask for credentials: a configuration that passes may still name a server that
// is away.
package config

import "time"

// Attempts is how often a target is sent before it is told as failed. It is not a key; events must be kept for twice
// the deadline of every attempt (see [Events]).
const Attempts = 3

// Config is the whole configuration, as effective after all layers. The zero value is of no use: begin with [Default]
// or [Load]. A Config is a plain value; it is not changed after Load.
//
// Tags: yaml is the key in the file, env the name behind EDGEPURGE_ and the section's envPrefix, alias a variable of
// other tools that is honoured too, blank that a variable which is set but empty counts (elsewhere it is ignored), live that a running worker
// takes a change.
type Config struct {
	// Instance names the installation in the source of every event; the same on all replicas. 1-64 of A-Za-z0-9_.-
	Instance string  `yaml:"instance" env:"INSTANCE"`
	Log      Log     `yaml:"log" envPrefix:"LOG_"`
	NATS     NATS    `yaml:"nats" envPrefix:"NATS_"`
	EdgeOne  EdgeOne `yaml:"edgeone" envPrefix:"EDGEONE_"`
	Limits   Limits  `yaml:"limits" envPrefix:"LIMITS_"`
	Batch    Batch   `yaml:"batch" envPrefix:"BATCH_"`
	Tracker  Tracker `yaml:"tracker" envPrefix:"TRACKER_"`
	Worker   Worker  `yaml:"worker" envPrefix:"WORKER_"`
	Events   Events  `yaml:"events" envPrefix:"EVENTS_"`
	Dead     Dead    `yaml:"dead" envPrefix:"DEAD_"`
	HTTP     HTTP    `yaml:"http" envPrefix:"HTTP_"`
}

// Log is what is logged.
type Log struct {
	// Level is a zap level: debug, info, warn, error, dpanic, panic or fatal.
	Level string `yaml:"level" env:"LEVEL" live:"yes"`
}

// Limits are the account's limits per API action, in calls per second (EdgeOne API docs: 20). 0 means none and is
// refused for a public endpoint; else 0.01 to 1000.
type Limits struct {
	CreatePerSecond   float64 `yaml:"create_per_second" env:"CREATE_PER_SECOND" live:"yes"`
	DescribePerSecond float64 `yaml:"describe_per_second" env:"DESCRIBE_PER_SECOND" live:"yes"`
}

// Batch shapes one CreatePurgeTask call.
type Batch struct {
	// MaxTargets caps a batch below the zone's quota; 0: the quota decides. At most 5000.
	MaxTargets int `yaml:"max_targets" env:"MAX_TARGETS" live:"yes"`
}

// Tracker says how jobs are followed.
type Tracker struct {
	// PollMin and PollMax bound the time between two looks at the same job; PollMin at least 100ms.
	PollMin time.Duration `yaml:"poll_min" env:"POLL_MIN"`
	PollMax time.Duration `yaml:"poll_max" env:"POLL_MAX"`
	// Deadline is the age at which a job without an end is given up. PollMax to 168h, the time that EdgeOne can look
	// back by creation time.
	Deadline time.Duration `yaml:"deadline" env:"DEADLINE"`
}

// Worker is the pipeline's appetite.
type Worker struct {
	// Drain is the time that work in flight gets after SIGTERM, 0 to 10m.
	Drain time.Duration `yaml:"drain" env:"DRAIN"`
	// Window and InteractiveWindow are how many targets of the bulk and the interactive lane are held in memory (I5).
	// 100 to 1,000,000 each.
	Window            int `yaml:"window" env:"WINDOW"`
	InteractiveWindow int `yaml:"interactive_window" env:"INTERACTIVE_WINDOW"`
}

// Events is what is told of requests.
type Events struct {
	// Keep is how long an event can be read, and how long a request's id is known. At least 24h, and twice the
	// tracker's deadline for each of the [Attempts]: an event must outlive every retry of what led to it (I1).
	Keep time.Duration `yaml:"keep" env:"KEEP"`
	// Progress says whether what is done for requests before their end is published too, and not stored.
	Progress bool `yaml:"progress" env:"PROGRESS"`
}

// Dead is the stream of dead letters.
type Dead struct {
	// Keep is how long a dead letter can be looked at and replayed. At least 1h.
	Keep time.Duration `yaml:"keep" env:"KEEP"`
}

// HTTP is the listener for health, metrics and the status page.
type HTTP struct {
	// Listen is host:port or :port; empty: no listener.
	Listen string `yaml:"listen" env:"LISTEN" blank:"counts"`
}

// Default returns the configuration that holds where nothing is said. It passes [Config.Validate].
func Default() Config {
	return Config{
		Instance: "default",
		Log:      Log{Level: "info"},
		NATS: NATS{
			URL:       "nats://127.0.0.1:4222",
			Prefix:    "purge",
			Provision: ProvisionCreate,
			Replicas:  1,
			MaxBytes:  1 << 30,

			ParkedMaxBytes:   1 << 30,
			ProgressMaxBytes: 512 << 20,
		},
		EdgeOne: EdgeOne{
			Account:  "main",
			Endpoint: "teo.tencentcloudapi.com",
			Version:  "2022-09-01",
			Timeout:  30 * time.Second,
			Zones:    Zones{},
		},
		Limits:  Limits{CreatePerSecond: 20, DescribePerSecond: 20},
		Tracker: Tracker{PollMin: 2 * time.Second, PollMax: 30 * time.Second, Deadline: 4 * time.Hour},
		Worker:  Worker{Drain: 25 * time.Second, Window: 50_000, InteractiveWindow: 10_000},
		Events:  Events{Keep: 7 * 24 * time.Hour},
		Dead:    Dead{Keep: 30 * 24 * time.Hour},
		HTTP:    HTTP{Listen: "127.0.0.1:7480"},
	}
}
