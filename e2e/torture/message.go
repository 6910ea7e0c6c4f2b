package main

import (
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// want is how a message's request has to end.
type want string

const (
	wantCompleted want = "completed" // or failed, where EdgeOne failed its tasks again and again
	wantPartial   want = "partial"   // some of its targets are not valid
	wantRejected  want = "rejected"  // garbage
	wantRefused   want = "refused"   // EdgeOne refuses one of its targets
	wantInTime    want = "in-time"   // it expires: completed, expired, or partial
)

// message is one message of the load: what was published, and what the broker said.
type message struct {
	N       int      `json:"n"`
	Want    want     `json:"want"`
	Lane    string   `json:"lane"`
	Source  string   `json:"source"`
	ID      string   `json:"id,omitempty"` // empty: the worker makes one
	Zone    string   `json:"zone,omitempty"`
	Type    string   `json:"type,omitempty"` // in the API's words
	Method  string   `json:"method,omitempty"`
	Hosts   []string `json:"hosts,omitempty"`
	Targets []string `json:"targets,omitempty"` // those that EdgeOne has to get, in canonical form
	Total   int      `json:"total"`             // targets as the event counts them

	First    time.Time `json:"first"`              // before the first try to publish it
	Last     time.Time `json:"last"`               // after the last
	Sequence uint64    `json:"sequence,omitempty"` // in the stream; 0: not known to be stored
	Tries    int       `json:"tries"`
	Error    string    `json:"error,omitempty"` // of the last try

	after       time.Duration // since the message before
	msgID       string        // Nats-Msg-Id
	contentType string
	body        []byte
}

func (m *message) subject() string {
	return purge.Subjects{Prefix: prefix}.Request(purge.Lane(m.Lane), m.Source)
}

// prefix is the workers' default.
const prefix = "purge"

// key names a target: equal keys are one target.
func key(zone, typ, method string, hosts []string, target string) string {
	return strings.Join([]string{zone, typ, method, strings.Join(hosts, ","), target}, "\x00")
}

func (m *message) keys() []string {
	keys := make([]string, len(m.Targets))
	for i, t := range m.Targets {
		keys[i] = key(m.Zone, m.Type, m.Method, m.Hosts, t)
	}
	return keys
}

func (c *call) keys() []string {
	keys := make([]string, len(c.Targets))
	for i, t := range c.Targets {
		keys[i] = key(c.Zone, c.Type, c.Method, c.Hosts, t)
	}
	return keys
}
