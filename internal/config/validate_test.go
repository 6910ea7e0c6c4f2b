package config_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/config"
)

type edit struct {
	name string
	edit func(*config.Config)
	want string // the one fault; empty: none
}

func check(t *testing.T, tests []edit) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config.Default()
			tt.edit(&cfg)
			got := ""
			if err := cfg.Validate(); err != nil {
				got = err.Error()
			}
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) || strings.Contains(got, "\n") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestValidate_Process(t *testing.T) {
	check(t, []edit{
		{"default", func(*config.Config) {}, ""},
		{"no instance", func(c *config.Config) { c.Instance = "" }, `instance: "" is no name`},
		{"instance of 64", func(c *config.Config) { c.Instance = strings.Repeat("A", 64) }, ""},
		{"instance of 65", func(c *config.Config) { c.Instance = strings.Repeat("A", 65) }, `instance: the value is no name`},
		{"instance with slash", func(c *config.Config) { c.Instance = "a/b" }, `instance: "a/b" is no name`},
		{"level", func(c *config.Config) { c.Log.Level = "error" }, ""},
		{"no level", func(c *config.Config) { c.Log.Level = "" }, `log.level: "" is not a level`},
		{"no listener", func(c *config.Config) { c.HTTP.Listen = "" }, ""},
		{"all interfaces", func(c *config.Config) { c.HTTP.Listen = ":7480" }, ""},
		{"any port", func(c *config.Config) { c.HTTP.Listen = "[::1]:0" }, ""},
		{"listen without port", func(c *config.Config) { c.HTTP.Listen = "127.0.0.1" }, `http.listen: "127.0.0.1" is not host:port`},
		{"listen on a bare port", func(c *config.Config) { c.HTTP.Listen = "7480" }, `http.listen: "7480" is not host:port`},
		{"listen on a URL", func(c *config.Config) { c.HTTP.Listen = "http://a:1" }, `http.listen: "http://a:1" is not host:port`},
		{"port too large", func(c *config.Config) { c.HTTP.Listen = ":65536" }, `http.listen: ":65536" is not host:port`},
	})
}

func TestValidate_NATS(t *testing.T) {
	nats := func(f func(*config.NATS)) func(*config.Config) { return func(c *config.Config) { f(&c.NATS) } }
	check(t, []edit{
		{"several servers", nats(func(n *config.NATS) { n.URL = "nats://a:4222, b, [::1]:4222, tls://c" }), ""},
		{"user in the URL", nats(func(n *config.NATS) { n.URL = "nats://u:p@a" }), ""},
		{"websockets", nats(func(n *config.NATS) { n.URL = "ws://a:80/path,wss://b" }), ""},
		{"no URL", nats(func(n *config.NATS) { n.URL = "" }), "nats.url: server 1 is not an address"},
		{"empty entry", nats(func(n *config.NATS) { n.URL = "a,,b" }), "nats.url: server 2 is not an address"},
		{"bad port", nats(func(n *config.NATS) { n.URL = "nats://a:b" }), "nats.url: server 1 is not an address"},
		{"port 0", nats(func(n *config.NATS) { n.URL = "nats://a:0" }), "nats.url: server 1 is not an address"},
		{"scheme", nats(func(n *config.NATS) { n.URL = "http://a" }), "nats.url: server 1 has a scheme that is not known"},
		{"query", nats(func(n *config.NATS) { n.URL = "nats://a?x=y" }), "nats.url: server 1 has a ? or #"},
		{"mixed", nats(func(n *config.NATS) { n.URL = "nats://a,ws://b" }), "nats.url: mixes ws:// and nats://"},
		{"printed", nats(func(n *config.NATS) { n.URL = "nats://***@a" }), "nats.url: holds the mask"},
		{"prefix of 32", nats(func(n *config.NATS) { n.Prefix = strings.Repeat("a", 32) }), ""},
		{"prefix of 33", nats(func(n *config.NATS) { n.Prefix = strings.Repeat("a", 33) }), "nats.prefix: "},
		{"prefix in capitals", nats(func(n *config.NATS) { n.Prefix = "Purge" }), `nats.prefix: "Purge" can't begin a subject`},
		{"prefix with dot", nats(func(n *config.NATS) { n.Prefix = "a.b" }), `nats.prefix: "a.b" can't`},
		{"inbox with dot", nats(func(n *config.NATS) { n.Inbox = "_INBOX.a" }), `nats.inbox: "_INBOX.a" can't begin a subject`},
		{"no prefix", nats(func(n *config.NATS) { n.Prefix = "" }), `nats.prefix: "" can't`},
		{"provision", nats(func(n *config.NATS) { n.Provision = "always" }), `nats.provision: "always" is not known; ` +
			"write create, verify or none"},
		{"5 replicas", nats(func(n *config.NATS) { n.Replicas = 5 }), ""},
		{"4 replicas", nats(func(n *config.NATS) { n.Replicas = 4 }), "nats.replicas: 4 copies can't work; write 1, 3 or 5"},
		{"64MiB", nats(func(n *config.NATS) { n.MaxBytes = 64 << 20 }), ""},
		{"less", nats(func(n *config.NATS) { n.MaxBytes = 64<<20 - 1 }), "nats.max_bytes: 67108863 is too small; write at least 64MiB"},
		{"little for parked requests", nats(func(n *config.NATS) { n.ParkedMaxBytes = 1 }), "nats.parked_max_bytes: 1 is too small; write at least 64MiB"},
		{"little for progress", nats(func(n *config.NATS) { n.ProgressMaxBytes = 1 }), "nats.progress_max_bytes: 1 is too small; write at least 64MiB"},
		{"unlimited", nats(func(n *config.NATS) { n.MaxBytes = -1 }), "nats.max_bytes: -1 is too small"},
	})
}

// Files of NATS are looked at, and not read: that they are there is enough.
func TestLoad_NATSFilesAreThere(t *testing.T) {
	file := write(t, "any", "")
	load(t, "", "NATS_CREDS="+file, "NATS_CA="+file, "NATS_CERT="+file, "NATS_KEY="+file)
	dir := t.TempDir()
	got := faults(t, "", "NATS_NKEY=SUAMK2FG", "NATS_CA="+dir, "NATS_CERT="+file, "NATS_KEY=/nope/key")
	want := []string{
		"NATS_CA: nats.ca: open " + dir + ": is a directory; name a file that can be read",
		"NATS_KEY: nats.key: open /nope/key: no such file or directory; name a file that can be read",
		// What is no path may be the secret itself (I6).
		"NATS_NKEY: nats.nkey: open file: no such file or directory; name a file that can be read",
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValidate_NATSAuthentication(t *testing.T) {
	nats := func(f func(*config.NATS)) func(*config.Config) { return func(c *config.Config) { f(&c.NATS) } }
	seed := "S" + strings.Repeat("A", 57)
	check(t, []edit{
		{"user and password", nats(func(n *config.NATS) { n.User, n.Password = "u", "p" }), ""},
		{"context and creds", nats(func(n *config.NATS) { n.Context, n.Creds = "c", "/x.creds" }), ""},
		{"user alone", nats(func(n *config.NATS) { n.User = "u" }), "nats.user: has no password"},
		{"password alone", nats(func(n *config.NATS) { n.Password = "p" }), "nats.password: has no user"},
		{
			"creds and token", nats(func(n *config.NATS) { n.Creds, n.Token = "c", "t" }),
			"nats.token: nats.creds says already how to authenticate",
		},
		{"creds and nkey", nats(func(n *config.NATS) { n.Creds, n.NKey = "c", "n" }), "nats.nkey: nats.creds says already"},
		{
			"URL and user", nats(func(n *config.NATS) { n.URL, n.User, n.Password = "nats://t@a", "u", "p" }),
			"nats.user: nats.url says already",
		},
		{"seed for path", nats(func(n *config.NATS) { n.NKey = seed }), "nats.nkey: holds key material; write the path"},
		{"PEM for path", nats(func(n *config.NATS) { n.CA = "-----BEGIN CERTIFICATE-----" }), "nats.ca: holds key material"},
		{"certificate and key", nats(func(n *config.NATS) { n.Cert, n.Key = "c", "k" }), ""},
		{"certificate alone", nats(func(n *config.NATS) { n.Cert = "c" }), "nats.cert: has no key; give nats.key"},
		{"key alone", nats(func(n *config.NATS) { n.Key = "k" }), "nats.key: has no certificate; give nats.cert"},
		{"printed token", nats(func(n *config.NATS) { n.Token = "***" }), "nats.token: is the mask"},
	})
	got := faults(t, "", "NATS_CREDS="+write(t, "creds", "c"), "NATS_TOKEN=t", "EDGEPURGE_NATS_NKEY=n")
	want := []string{
		"EDGEPURGE_NATS_NKEY: nats.nkey: nats.creds (NATS_CREDS) says already how to authenticate; keep one of them",
		"NATS_TOKEN: nats.token: nats.creds (NATS_CREDS) says already how to authenticate; keep one of them",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValidate_EdgeOne(t *testing.T) {
	teo := func(f func(*config.EdgeOne)) func(*config.Config) { return func(c *config.Config) { f(&c.EdgeOne) } }
	zones := func(host, id string) func(*config.Config) {
		return func(c *config.Config) { c.EdgeOne.Zones = config.Zones{host: id} }
	}
	check(t, []edit{
		{"account", teo(func(e *config.EdgeOne) { e.Account = "a.b" }), `edgeone.account: "a.b" is no name for an account`},
		{"endpoint", teo(func(e *config.EdgeOne) { e.Endpoint = "" }), `edgeone.endpoint: "" is not an endpoint`},
		{"plain http", teo(func(e *config.EdgeOne) { e.Endpoint = "http://a.com" }), `edgeone.endpoint: "http://a.com" is plain http`},
		{"current version", teo(func(e *config.EdgeOne) { e.Version = "2022-09-01" }), ""},
		{"older version", teo(func(e *config.EdgeOne) { e.Version = "2022-01-06" }), ""},
		{
			"no version", teo(func(e *config.EdgeOne) { e.Version = "2" }),
			`edgeone.version: "2" is not a version of the API; write 2022-09-01 or 2022-01-06`,
		},
		{"region", teo(func(e *config.EdgeOne) { e.Region = "ap-guangzhou" }), ""},
		{"bad region", teo(func(e *config.EdgeOne) { e.Region = "Guang zhou" }), `edgeone.region: "Guang zhou" is not a region`},
		{"no timeout", teo(func(e *config.EdgeOne) { e.Timeout = 0 }), "edgeone.timeout: 0s can't work; write 100ms to 10m"},
		{"pair", teo(func(e *config.EdgeOne) { e.SecretID, e.SecretKey = "i", "k" }), ""},
		{"id alone", teo(func(e *config.EdgeOne) { e.SecretID = "i" }), "edgeone.secret_id: has no key; give edgeone.secret_key too"},
		{"key alone", teo(func(e *config.EdgeOne) { e.SecretKey = "k" }), "edgeone.secret_key: has no id; give edgeone.secret_id too"},
		{"token alone", teo(func(e *config.EdgeOne) { e.Token = "t" }), "edgeone.token: stands alone"},
		{"line break", teo(func(e *config.EdgeOne) { e.SecretID, e.SecretKey = "i", "k\n" }), "edgeone.secret_key: holds a line break"},
		{"zone", zones("*.a-b.example.com", "zone-3fkff38fyw8s"), ""},
		{"zone id", zones("a.com", "zone_1"), `edgeone.zones: host "a.com": "zone_1" is not a zone id`},
		{"host in capitals", zones("A.com", "zone-1"), `edgeone.zones: host "A.com" has capitals`},
		{"URL for host", zones("https://a.com", "zone-1"), `edgeone.zones: host "https://a.com" is not a host name`},
		{"star alone", zones("*", "zone-1"), `edgeone.zones: host "*" is not a host name`},
		{"star inside", zones("a.*.com", "zone-1"), `edgeone.zones: host "a.*.com" is not a host name`},
		{"non-ASCII host", zones("müller.de", "zone-1"), `edgeone.zones: host "müller.de" is not a host name`},
	})
}

func TestValidate_Pace(t *testing.T) {
	local := func(f func(*config.Config)) func(*config.Config) {
		return func(c *config.Config) { c.EdgeOne.Endpoint = "http://127.0.0.1:1"; f(c) }
	}
	check(t, []edit{
		{"no limit for the emulator", local(func(c *config.Config) { c.Limits = config.Limits{} }), ""},
		{
			"no limit", func(c *config.Config) { c.Limits.CreatePerSecond = 0 },
			"limits.create_per_second: 0 (no limit) is refused for a public endpoint",
		},
		{"no describe limit", func(c *config.Config) { c.Limits.DescribePerSecond = 0 }, "limits.describe_per_second: 0 (no limit)"},
		{"1000", func(c *config.Config) { c.Limits.CreatePerSecond = 1000 }, ""},
		{"more", func(c *config.Config) { c.Limits.CreatePerSecond = 1000.5 }, "limits.create_per_second: 1000.5 calls"},
		{"negative", local(func(c *config.Config) { c.Limits.CreatePerSecond = -1 }), "limits.create_per_second: -1 calls"},
		{"NaN", func(c *config.Config) { c.Limits.CreatePerSecond = math.NaN() }, "limits.create_per_second: NaN calls"},
		{"infinite", func(c *config.Config) { c.Limits.CreatePerSecond = math.Inf(1) }, "limits.create_per_second: +Inf calls"},
		{"tiny", func(c *config.Config) { c.Limits.CreatePerSecond = 1e-300 }, "limits.create_per_second: 1e-300 is less than"},
		{"batch", func(c *config.Config) { c.Batch.MaxTargets = 5000 }, ""},
		{"batch too large", func(c *config.Config) { c.Batch.MaxTargets = 5001 }, "batch.max_targets: 5001 can't work; write 0 to 5000"},
		{"batch negative", func(c *config.Config) { c.Batch.MaxTargets = -1 }, "batch.max_targets: -1 can't work"},
		{"poll", func(c *config.Config) { c.Tracker.PollMin = 99 * time.Millisecond }, "tracker.poll_min: 99ms is too short"},
		{"poll equal", func(c *config.Config) { c.Tracker.PollMax = c.Tracker.PollMin }, ""},
		{
			"poll crossed", func(c *config.Config) { c.Tracker.PollMin = 31 * time.Second },
			"tracker.poll_max: 30s is less than tracker.poll_min; write at least 31s",
		},
		{"deadline equal", func(c *config.Config) { c.Tracker.Deadline = c.Tracker.PollMax }, ""},
		{
			"deadline short", func(c *config.Config) { c.Tracker.Deadline = time.Second },
			"tracker.deadline: 1s is less than tracker.poll_max; write at least 30s",
		},
		{"deadline long", func(c *config.Config) { c.Tracker.Deadline = 169 * time.Hour }, "tracker.deadline: 169h is more than 168h"},
		{"no drain", func(c *config.Config) { c.Worker.Drain = 0 }, ""},
		{"long drain", func(c *config.Config) { c.Worker.Drain = 11 * time.Minute }, "worker.drain: 11m can't work; write 0s to 10m"},
		{"small window", func(c *config.Config) { c.Worker.Window = 99 }, "worker.window: 99 can't work; write 100 to 1000000"},
		{"large window", func(c *config.Config) { c.Worker.InteractiveWindow = 1_000_001 }, "worker.interactive_window: 1000001"},
	})
}

func TestValidate_EventsOutliveEveryAttempt(t *testing.T) {
	keep := func(keep, deadline time.Duration) func(*config.Config) {
		return func(c *config.Config) { c.Events.Keep, c.Tracker.Deadline = keep, deadline }
	}
	need := 2 * config.Attempts * 5 * time.Hour
	check(t, []edit{
		{"a day", keep(24*time.Hour, 4*time.Hour), ""},
		{"less", keep(23*time.Hour, time.Hour), "events.keep: 23h is too short; write at least 24h"},
		{"enough", keep(need, 5*time.Hour), ""},
		{"less than the attempts take", keep(need-1, 5*time.Hour), "events.keep: 29h59m59.999999999s is less than twice " +
			"tracker.deadline (5h) for each of 3 attempts; write at least 30h"},
		{"dead letters", func(c *config.Config) { c.Dead.Keep = 59 * time.Minute }, "dead.keep: 59m is too short; write at least 1h"},
	})
	got := faults(t, "", "EDGEPURGE_TRACKER_DEADLINE=100h")
	if len(got) != 1 || !strings.HasPrefix(got[0], "EDGEPURGE_TRACKER_DEADLINE: events.keep: 168h is less than") {
		t.Errorf("got %q, want the variable that brought it about", got)
	}
}

func TestFaults_AreErrorsEach(t *testing.T) {
	cfg := config.Default()
	cfg.Instance, cfg.Log.Level = "", ""
	all, ok := errors.AsType[config.Faults](cfg.Validate())
	if !ok || len(all) != 2 {
		t.Fatalf("got %v, want two faults", all)
	}
	if _, ok := errors.AsType[config.Fault](error(all)); !ok {
		t.Error("a fault is not found in the faults")
	}
}
