package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoad_FileFaultsHaveTheirLine(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "log:\n  levle: info\n", "line 2: log.levle: unknown key; did you mean log.level?"},
		{"unknown section", "ngts: {}\n", "line 1: ngts: unknown key; did you mean nats?"},
		{"key in the wrong place", "endpoint: x\n", "line 1: endpoint: unknown key; did you mean edgeone.endpoint?"},
		{"far from all", "http: {certificates: x}\n", "line 1: http.certificates: unknown key; the nearest known name is http.listen"},
		{"given twice", "instance: a\n\ninstance: b\n", "line 3: instance: given twice, first on line 1; keep one"},
		{"far from all at the top", "certificates: x\n", "line 1: certificates: unknown key"},
		{"null", "log:\n  level:\n", "line 2: log.level: has no value; write one, or delete the line for the default"},
		{"tilde", "log: {level: ~}", "line 1: log.level: has no value; write one, or delete the line for the default"},
		{"null section", "log:\n", "line 1: log: nothing stands below it; write a key, or delete the line"},
		{"scalar for section", "\nlog: info\n", "line 2: log: wants keys with values (key: value) here"},
		{"list at the top", "- log\n", "line 1: wants keys with values (key: value) here"},
		{"list for text", "log: {level: [info]}\n", "line 1: log.level: wants a single text, not a list or keys"},
		{"keys for a secret", "nats: {token: {a: b}}\n", "line 1: nats.token: wants a single secret, not a list or keys"},
		{"empty", "tracker: {deadline: ''}\n", "line 1: tracker.deadline: is empty; write a duration, or leave it out for the default"},
		{"fraction", "worker:\n  window: 1000.5\n", `line 2: worker.window: "1000.5" is not a whole number; write digits only`},
		{"exponent", "worker:\n  window: 1e3\n", `line 2: worker.window: "1e3" is not a whole number; write digits only`},
		{"large", "worker: {window: 99999999999}\n", `line 1: worker.window: "99999999999" is far too large`},
		{"not a switch", "events: {progress: yes}\n", `line 1: events.progress: "yes" is neither true nor false; write one of them`},
		{"not a number", "limits: {create_per_second: fast}\n", `line 1: limits.create_per_second: "fast" is not a number`},
		{"no unit", "tracker: {deadline: 30}\n", `line 1: tracker.deadline: "30" is a duration without a unit; add s, m or h`},
		{"not a duration", "tracker: {deadline: 1d}\n", `line 1: tracker.deadline: "1d" is not a duration; ` +
			`write one such as 500ms, 30s, 10m or 4h`},
		{"not a size", "nats: {max_bytes: 1GB}\n", `line 1: nats.max_bytes: "1GB" is not a size; ` +
			`write a whole number with KiB, MiB, GiB or TiB, or of bytes`},
		{"alias", "instance: &a x\nlog: {level: *a}\n", "line 2: log.level: aliases and tags are not supported; " +
			"write the value, in quotes where it begins with * or !"},
		{"tag", "nats: {token: !s3cr3t }\n", "line 1: nats.token: aliases and tags are not supported; " +
			"write the value, in quotes where it begins with * or !"},
		{"merge", "x: &x {a: b}\nlog:\n  <<: *x\n", "line 3: log: a key must be plain text; " +
			"aliases, merges and tags are not supported"},
		{"zones as text", "edgeone: {zones: a=zone-1}\n", "line 1: edgeone.zones: wants hosts with their zones " +
			"(www.example.com: zone-…), or {} for none"},
		{"zone missing", "edgeone:\n  zones:\n    a.com:\n", `line 3: edgeone.zones: host "a.com" wants a zone id (zone-…)`},
		{
			"zone twice", "edgeone:\n  zones:\n    a.com: zone-1\n    a.com: zone-2\n",
			"line 4: edgeone.zones: given twice, first on line 3; keep one",
		},
		{"second document", "instance: a\n---\ninstance: b\n", "line 3: a second document begins here or just before (---); " +
			"only one is read, unite them"},
		{"tab", "log:\n\tlevel: info\n", "line 2: a tab in the indentation; YAML wants spaces"},
		{"star", "instance: a\nnats: {token: *s3cr3t}\n", "line 2: not valid YAML: a word that begins with * is an alias; " +
			"put it in quotes"},
		{"syntax", "log: {level: info\n", "line 1: not valid YAML here or just below; " +
			"look for a missing quote or bracket, or a wrong indentation, and quote text that begins with * & ! % @ or `"},
		{"value with its place", "log:\n  level: loud\n", `line 2: log.level: "loud" is not a level; write debug, info, warn or error`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "c.yaml", tt.text)
			got := faults(t, path)
			for i := range got {
				got[i] = strings.TrimPrefix(got[i], path+", ")
			}
			// "merge" has an unknown key above the line in question.
			if last := got[len(got)-1]; last != tt.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), tt.want)
			}
			if len(got) > 1 && tt.name != "merge" {
				t.Errorf("got %d faults, want 1: %q", len(got), got)
			}
		})
	}
}

func TestLoad_TellsAllFaultsAtOnceInOrder(t *testing.T) {
	path := write(t, "c.yaml", `instance: "a b"
nats:
  replicas: 2
  max_bytes: 1MiB
tracker:
  poll_min: 40s
  deadline: soon
unknown: 1
edgeone: {secret_id: AKIDx}
`)
	at := path + ", line "
	want := []string{
		at + `7: tracker.deadline: "soon" is not a duration; write one such as 500ms, 30s, 10m or 4h`,
		at + "8: unknown: unknown key",
		`EDGEPURGE_WORKER_WINDOW: worker.window: "x" is not a whole number; write digits only`,
		at + `1: instance: "a b" is no name for an installation; write 1 to 64 of A-Z a-z 0-9 _ . -`,
		at + "3: nats.replicas: 2 copies can't work; write 1, 3 or 5",
		at + "4: nats.max_bytes: 1MiB is too small; write at least 64MiB",
		at + "9: edgeone.secret_id: has no key; give edgeone.secret_key too",
		at + "6: tracker.poll_max: 30s is less than tracker.poll_min; write at least 40s",
		"EDGEPURGE_DEAD_KEEP: dead.keep: 1m is too short; write at least 1h",
	}
	got := faults(t, path, "EDGEPURGE_WORKER_WINDOW=x", "EDGEPURGE_DEAD_KEEP=1m")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a broken file wanted to say is unknown: a pair of which one half is a variable must not be blamed.
func TestLoad_BrokenFileIsJudgedByVariablesOnly(t *testing.T) {
	path := write(t, "c.yaml", "edgeone: {secret_key: x\n")
	got := faults(t, path, "TENCENTCLOUD_SECRET_ID=AKIDx", "EDGEPURGE_LIMITS_CREATE_PER_SECOND=0", "EDGEPURGE_LOG_LEVEL=loud")
	if len(got) != 2 || !strings.Contains(got[0], "not valid YAML") || !strings.HasPrefix(got[1], "EDGEPURGE_LOG_LEVEL: ") {
		t.Errorf("got %q, want the syntax and the level", got)
	}
}

func TestLoad_SlippedSecretIsNotNamedAsKey(t *testing.T) {
	for _, text := range []string{
		"edgeone: {secret_key:s3cr3t}\n",
		"edgeone:\n  secret_key:s3cr3t\n",
		"edgeone:\n  secret_key:s3cr3t:\n    a: b\n",
		"edgeone: {secret_key: abc,s3cr3t}\n",
		"nats: {password: abc, s3cr3t, user: u}\n",
		"nats: {password: *s3cr3t}\n",
		"nats: {password: !s3cr3t x}\n",
		"nats: {password: !!int s3cr3t}\n",
		"nats: {password: [s3cr3t]}\n",
		"log: {level: \"info\n  secret_key: s3cr3t\n  url: \"}\n",
		"nats: {url: 'nats://u:s3cr3t@host:port'}\n",
		"nats: {url: 's3cr3t@'}\n",
		"edgeone: {endpoint: 'https://u:s3cr3t@host'}\n",
		"edgeone: {endpoint: 'u:s3cr3t@host:x'}\n",
		"nats: {password: \"s3cr3t\x01\"}\n",
		"nats: {user: u, password: \"s3cr3t\\n\"}\n",
		"edgeone: {secret_key_file: s3cr3t}\n",
	} {
		got := strings.Join(faults(t, write(t, "c.yaml", text)), "\n")
		if strings.Contains(got, "s3cr3t") {
			t.Errorf("file %q: the secret is told: %s", text, got)
		}
	}
}
