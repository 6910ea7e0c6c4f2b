package config_test

import (
	"regexp"
	"testing"

	"github.com/caarlos0/env/v11"
	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/config"
)

func TestLoad_EveryVariableSetsItsKey(t *testing.T) {
	file := write(t, "secret", "from-file")
	texts := map[string]string{
		"log.level": "debug", "nats.url": "tls://x:1", "nats.provision": "verify", "nats.replicas": "3", "nats.max_bytes": "3GiB",
		"nats.parked_max_bytes": "4GiB", "nats.progress_max_bytes": "5GiB",
		"nats.inbox": "_INBOX_a", "nats.prefix": "other", "edgeone.account": "second", "edgeone.endpoint": "http://localhost:1", "edgeone.region": "ap-x",
		"edgeone.timeout": "5s", "edgeone.zones": "*.b.com=zone-2,a.com=zone-1", "limits.create_per_second": "7.5",
		"limits.describe_per_second": "8", "batch.max_targets": "9", "tracker.poll_min": "3s", "tracker.poll_max": "40s",
		"tracker.deadline": "3h", "worker.drain": "1m", "worker.window": "1000", "worker.interactive_window": "2000",
		"events.keep": "100h", "events.progress": "true", "dead.keep": "200h", "http.listen": ":1", "edgeone.version": "2022-09-01",
		"nats.password_file": file, "nats.token_file": file, "edgeone.secret_id_file": file, "edgeone.secret_key_file": file,
		"edgeone.token_file": file,
		"nats.creds":         file, "nats.nkey": file, "nats.ca": file, "nats.cert": file, "nats.key": file,
	}
	// What a key needs beside it to be valid.
	beside := map[string][]string{
		"nats.user": {"NATS_PASSWORD=p"}, "nats.password": {"NATS_USER=u"}, "nats.password_file": {"NATS_USER=u"},
		"nats.cert": {"NATS_KEY=" + file}, "nats.key": {"NATS_CERT=" + file},
		"edgeone.secret_id": {"TENCENTCLOUD_SECRET_KEY=k"}, "edgeone.secret_key": {"TENCENTCLOUD_SECRET_ID=i"},
		"edgeone.secret_id_file": {"TENCENTCLOUD_SECRET_KEY=k"}, "edgeone.secret_key_file": {"TENCENTCLOUD_SECRET_ID=i"},
		"edgeone.token":      {"TENCENTCLOUD_SECRET_KEY=k", "TENCENTCLOUD_SECRET_ID=i"},
		"edgeone.token_file": {"TENCENTCLOUD_SECRET_KEY=k", "TENCENTCLOUD_SECRET_ID=i"},
	}
	for _, key := range config.Reference() {
		text, found := texts[key.Path]
		if !found {
			text = "some-text"
		}
		want := text
		if key.Type == "secret" {
			want = "***"
		}
		for _, variable := range key.Variables {
			cfg := load(t, "", append([]string{variable + "=" + text}, beside[key.Path]...)...)
			if got := printed(t, cfg)[key.Path]; got != want {
				t.Errorf("%s=%s: got %q", variable, text, got)
			}
		}
	}
}

func TestLoad_ZonesVariable(t *testing.T) {
	path := write(t, "c.yaml", "edgeone: {zones: {old.com: zone-0}}\n")
	got := load(t, path, "EDGEPURGE_EDGEONE_ZONES= a.com = zone-1 , *.b.com=zone-2,").EdgeOne.Zones
	if diff := cmp.Diff(config.Zones{"a.com": "zone-1", "*.b.com": "zone-2"}, got); diff != "" {
		t.Errorf("want the file's zones replaced (-want +got):\n%s", diff)
	}
	for text, want := range map[string]string{
		"a.com":                   `"a.com" is not host=zone; write www.example.com=zone-…, separated by commas`,
		"a.com=":                  `"a.com=" is not host=zone; write www.example.com=zone-…, separated by commas`,
		"a.com=zone-1,a.com=zone": `host "a.com" is given twice; keep one`,
	} {
		got := faults(t, "", "EDGEPURGE_EDGEONE_ZONES="+text)
		if diff := cmp.Diff([]string{"EDGEPURGE_EDGEONE_ZONES: edgeone.zones: " + want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestLoad_EmptyListenVariableMeansNoListener(t *testing.T) {
	if got := load(t, "", "EDGEPURGE_HTTP_LISTEN=").HTTP.Listen; got != "" {
		t.Errorf("got %q, want none", got)
	}
}

func TestLoad_UnknownVariableIsAWarningWithTheNearestName(t *testing.T) {
	tests := []struct{ variable, want string }{
		{"EDGEPURGE_TRACKER_POL_MIN", "; did you mean EDGEPURGE_TRACKER_POLL_MIN?"},
		{"EDGEPURGE_POLL_MIN", "; did you mean EDGEPURGE_TRACKER_POLL_MIN?"},
		{"EDGEPURGE_NATSURL", "; did you mean EDGEPURGE_NATS_URL?"},
		{"EDGEPURGE_ENDPOINT", "; did you mean EDGEPURGE_EDGEONE_ENDPOINT?"},
		{"EDGEPURGE_CONFIGS", "; did you mean EDGEPURGE_CONFIG?"},
		{"EDGEPURGE_SECRET_KEY", "; did you mean EDGEPURGE_EDGEONE_SECRET_KEY?"},
		{"EDGEPURGE_HTTP_PORT", "; the nearest known name is EDGEPURGE_HTTP_LISTEN"},
	}
	for _, tt := range tests {
		_, got, err := config.Load("", []string{tt.variable + "=s3cr3t"})
		if err != nil {
			t.Errorf("%s: got %v, want a warning only", tt.variable, err)
		}
		if diff := cmp.Diff([]string{tt.variable + ": unknown variable, ignored" + tt.want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	_, got, _ := config.Load("/does/not/exist", []string{"EDGEPURGE_B\n=1", "EDGEPURGE_A=1", "edgepurge_c=1", "MYEDGEPURGE_D=1"})
	want := []string{
		`"EDGEPURGE_B\n": unknown variable, ignored; the nearest known name is EDGEPURGE_BATCH_MAX_TARGETS`,
		"EDGEPURGE_A: unknown variable, ignored; the nearest known name is EDGEPURGE_ACTIVE_HELP",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want them sorted, on one line each, beside the faults (-want +got):\n%s", diff)
	}
}

func TestLoad_KnownNamesAreNoStrangers(t *testing.T) {
	environ := []string{
		"EDGEPURGE_SERVICE_HOST=10.0.0.1", "EDGEPURGE_SERVICE_PORT=7480", "EDGEPURGE_SERVICE_PORT_HTTP=7480",
		"EDGEPURGE_SERVICE_PORT_HTTP_METRICS=7480", "EDGEPURGE_PORT=tcp://10.0.0.1:7480",
		"EDGEPURGE_PORT_7480_TCP=tcp://10.0.0.1:7480", "EDGEPURGE_PORT_7480_TCP_ADDR=10.0.0.1",
		"EDGEPURGE_PORT_7480_TCP_PORT=7480", "EDGEPURGE_PORT_7480_TCP_PROTO=tcp", "EDGEPURGE_PORT_53_UDP=udp://10.0.0.1:53",
		"EDGEPURGE_NATS_SERVICE_HOST=10.0.0.1", "EDGEPURGE_NATS_SERVICE_PORT=4222", "EDGEPURGE_NATS_SERVICE_PORT_CLIENT=4222",
		"EDGEPURGE_NATS_PORT=tcp://10.0.0.1:4222", "EDGEPURGE_HTTP_METRICS_PORT_80_TCP_ADDR=10.0.0.1",
		"EDGEPURGE_CONFIG=", "EDGEPURGE_ACTIVE_HELP=0", "EDGEPURGE_COMPLETION_DESCRIPTIONS=0",
	}
	if diff := cmp.Diff(config.Default(), load(t, "", environ...)); diff != "" {
		t.Errorf("differs from Default (-want +got):\n%s", diff)
	}
}

func TestReference_VariablesFollowPaths(t *testing.T) {
	service := regexp.MustCompile(`_SERVICE_(HOST|PORT)|_PORT$|_PORT_[0-9]`)
	cfg := config.Default()
	params, err := env.GetFieldParamsWithOptions(&cfg, env.Options{Prefix: "EDGEPURGE_"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var got, want []string
	for _, key := range config.Reference() {
		got = append(got, key.Variables[0])
		for _, variable := range key.Variables {
			if seen[variable] {
				t.Errorf("%s sets two keys", variable)
			}
			if service.MatchString(variable) {
				t.Errorf("%s may be made by Kubernetes", variable)
			}
			seen[variable] = true
		}
		if own := variableOf(key.Path); own != key.Variables[0] {
			t.Errorf("%s: got %s, want %s", key.Path, key.Variables[0], own)
		}
	}
	for _, param := range params {
		want = append(want, param.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs from what is read (-want +got):\n%s", diff)
	}
	for _, variable := range []string{
		"NATS_URL", "NATS_CREDS", "NATS_NKEY", "NATS_USER", "NATS_PASSWORD", "NATS_TOKEN", "NATS_CA", "NATS_CERT", "NATS_KEY",
		"NATS_CONTEXT", "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN",
		"TENCENTCLOUD_SECRET_ID_FILE", "TENCENTCLOUD_SECRET_KEY_FILE", "TENCENTCLOUD_TOKEN_FILE",
	} {
		if !seen[variable] {
			t.Errorf("%s sets nothing", variable)
		}
	}
}
