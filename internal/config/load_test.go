package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/config"
)

// write puts text into a file of the test and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load is Load for what must be right.
func load(t *testing.T, path string, environ ...string) config.Config {
	t.Helper()
	cfg, warnings, err := config.Load(path, environ)
	if err != nil {
		t.Fatalf("got faults:\n%v", err)
	}
	if len(warnings) > 0 {
		t.Fatalf("got warnings %q, want none", warnings)
	}
	return cfg
}

// faults is Load for what must be wrong; it returns the lines of the error.
func faults(t *testing.T, path string, environ ...string) []string {
	t.Helper()
	cfg, _, err := config.Load(path, environ)
	if err == nil {
		t.Fatalf("got no faults, want some; the configuration is %+v", cfg)
	}
	if diff := cmp.Diff(config.Config{}, cfg); diff != "" {
		t.Errorf("a configuration comes with the error (-want +got):\n%s", diff)
	}
	return strings.Split(err.Error(), "\n")
}

func TestLoad_NothingSaidGivesDefaults(t *testing.T) {
	if diff := cmp.Diff(config.Default(), load(t, "")); diff != "" {
		t.Errorf("differs from Default (-want +got):\n%s", diff)
	}
	for _, text := range []string{"", "\n", "# only a comment\n", "---\n", "{}\n"} {
		if diff := cmp.Diff(config.Default(), load(t, write(t, "c.yaml", text))); diff != "" {
			t.Errorf("file %q differs from Default (-want +got):\n%s", text, diff)
		}
	}
}

func TestLoad_ReadsTheFile(t *testing.T) {
	path := write(t, "c.yaml", `
instance: prod.eu-1
nats: {url: "nats://a:4222, nats://b:4222", user: ep, password: "0123", replicas: 3, max_bytes: 2147483648}
edgeone:
  endpoint: http://127.0.0.1:7481
  version: 2022-09-01
  secret_id: AKIDx
  secret_key: &key 'a: b'
  zones:
    www.example.com: zone-a1
    "*.example.com": zone-b2
limits: {create_per_second: 0, describe_per_second: 12.5}
tracker: {poll_min: 500ms, poll_max: 1m30s}
http: {listen: ""}
`)
	want := config.Default()
	want.Instance = "prod.eu-1"
	want.NATS.URL = "nats://a:4222, nats://b:4222"
	want.NATS.User, want.NATS.Password = "ep", "0123"
	want.NATS.Replicas, want.NATS.MaxBytes = 3, 2<<30
	want.EdgeOne.Endpoint = "http://127.0.0.1:7481"
	want.EdgeOne.SecretID, want.EdgeOne.SecretKey = "AKIDx", "a: b"
	want.EdgeOne.Zones = config.Zones{"www.example.com": "zone-a1", "*.example.com": "zone-b2"}
	want.Limits = config.Limits{DescribePerSecond: 12.5}
	want.Tracker.PollMin, want.Tracker.PollMax = 500*time.Millisecond, 90*time.Second
	want.HTTP.Listen = ""
	if diff := cmp.Diff(want, load(t, path)); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

func TestLoad_OlderVersionAlwaysHasARegion(t *testing.T) {
	older := "EDGEPURGE_EDGEONE_VERSION=2022-01-06"
	tests := []struct {
		environ []string
		want    string
	}{
		{nil, ""},
		{[]string{"EDGEPURGE_EDGEONE_VERSION=2022-09-01"}, ""},
		{[]string{older}, "ap-guangzhou"},
		{[]string{older, "EDGEPURGE_EDGEONE_REGION="}, "ap-guangzhou"},
		{[]string{older, "EDGEPURGE_EDGEONE_REGION=ap-singapore"}, "ap-singapore"},
		{[]string{"EDGEPURGE_EDGEONE_REGION=ap-singapore"}, "ap-singapore"},
	}
	for _, tt := range tests {
		if got := load(t, "", tt.environ...).EdgeOne.Region; got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.environ, got, tt.want)
		}
	}
	file := write(t, "c.yaml", "edgeone:\n  version: 2022-01-06\n  region: \"\"\n")
	if got := load(t, file).EdgeOne; got.Version != "2022-01-06" || got.Region != "ap-guangzhou" {
		t.Errorf("file: got %s in %q, want 2022-01-06 in ap-guangzhou", got.Version, got.Region)
	}
}

func TestLoad_StrongerLayerWins(t *testing.T) {
	file := write(t, "c.yaml", "nats: {url: nats://file}\n")
	tests := []struct {
		name    string
		path    string
		environ []string
		want    config.ServerURL
	}{
		{"default", "", nil, "nats://127.0.0.1:4222"},
		{"file", file, nil, "nats://file"},
		{"shared variable", file, []string{"NATS_URL=nats://shared"}, "nats://shared"},
		{"own variable", file, []string{"EDGEPURGE_NATS_URL=nats://own", "NATS_URL=nats://shared"}, "nats://own"},
		{"empty variables don't count", file, []string{"EDGEPURGE_NATS_URL=", "NATS_URL="}, "nats://file"},
		{"file named by variable", "", []string{"EDGEPURGE_CONFIG=" + file}, "nats://file"},
		{"path beats variable", file, []string{"EDGEPURGE_CONFIG=/does/not/exist"}, "nats://file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := load(t, tt.path, tt.environ...).NATS.URL; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLoad_NamedFileMustBeThere(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	for name, got := range map[string][]string{
		"path":     faults(t, missing),
		"variable": faults(t, "", "EDGEPURGE_CONFIG="+missing),
	} {
		want := missing + ": cannot be read: no such file or directory; name another file with --config or EDGEPURGE_CONFIG"
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := faults(t, t.TempDir()); !strings.Contains(got[0], "is a directory") {
		t.Errorf("directory: got %q", got)
	}
	if got := faults(t, write(t, "c.yaml", strings.Repeat("# long\n", 1<<18))); !strings.Contains(got[0], "1 MiB") {
		t.Errorf("huge file: got %q", got)
	}
}

func TestLoad_SecretFiles(t *testing.T) {
	key := write(t, "key", "\n s3cr3t-key \r\n")
	id := write(t, "id", "AKIDfile\n")
	cfg := load(t, "", "TENCENTCLOUD_SECRET_ID_FILE="+id, "EDGEPURGE_EDGEONE_SECRET_KEY_FILE="+key,
		"TENCENTCLOUD_TOKEN_FILE="+key, "NATS_USER=u", "NATS_PASSWORD_FILE="+key)
	if cfg.EdgeOne.SecretID != "AKIDfile" {
		t.Errorf("got secret id %q, want it without white space", cfg.EdgeOne.SecretID)
	}
	for name, got := range map[string]config.Secret{
		"key": cfg.EdgeOne.SecretKey, "token": cfg.EdgeOne.Token, "password": cfg.NATS.Password,
	} {
		if string(got) != "s3cr3t-key" {
			t.Errorf("%s: got %q, want the file's content without white space", name, string(got))
		}
	}
	if cfg.EdgeOne.SecretKeyFile != key {
		t.Errorf("got path %q, want it kept for those who read again", cfg.EdgeOne.SecretKeyFile)
	}
	if cfg := load(t, "", "NATS_TOKEN_FILE="+key); string(cfg.NATS.Token) != "s3cr3t-key" {
		t.Errorf("nats token: got %q", string(cfg.NATS.Token))
	}
}

func TestLoad_SecretFileTakesThePlaceOfAWeakerValue(t *testing.T) {
	key := write(t, "key", "from-file")
	file := write(t, "c.yaml", "edgeone: {secret_id: AKIDx, secret_key: weak}\n")
	fileOfFile := write(t, "d.yaml", "edgeone: {secret_id: AKIDx, secret_key_file: /does/not/exist}\n")
	tests := []struct {
		name, path string
		environ    []string
		want, from string
	}{
		{"file of a variable over a value", file, []string{"TENCENTCLOUD_SECRET_KEY_FILE=" + key}, "from-file", key},
		{"value of a variable over a file", fileOfFile, []string{"TENCENTCLOUD_SECRET_KEY=strong"}, "strong", ""},
		{
			"own file over shared value", file,
			[]string{"TENCENTCLOUD_SECRET_KEY=mid", "EDGEPURGE_EDGEONE_SECRET_KEY_FILE=" + key},
			"from-file", key,
		},
		{
			"own value over shared file", file,
			[]string{"TENCENTCLOUD_SECRET_KEY_FILE=/does/not/exist", "EDGEPURGE_EDGEONE_SECRET_KEY=strong"},
			"strong", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := load(t, tt.path, tt.environ...)
			if string(cfg.EdgeOne.SecretKey) != tt.want || cfg.EdgeOne.SecretKeyFile != tt.from {
				t.Errorf("got %q from %q, want %q from %q", string(cfg.EdgeOne.SecretKey), cfg.EdgeOne.SecretKeyFile, tt.want, tt.from)
			}
		})
	}
}

func TestLoad_SecretFileFaults(t *testing.T) {
	const id = "TENCENTCLOUD_SECRET_ID=AKIDx"
	const where = "TENCENTCLOUD_SECRET_KEY_FILE: edgeone.secret_key_file: "
	tests := []struct{ name, path, want string }{
		{"missing", "/does/not/s3cr3t", where + "open secret file: no such file or directory; name a file that holds " +
			"edgeone.secret_key and nothing else"},
		{"empty", write(t, "key", " \n"), where + "read secret file: empty; name a file that holds " +
			"edgeone.secret_key and nothing else"},
		{"huge", write(t, "key", strings.Repeat("x", 1<<17)), where + "read secret file: larger than 64 KiB; " +
			"name a file that holds edgeone.secret_key and nothing else"},
		{"two lines", write(t, "key", "AKIDx\ns3cr3t\n"), "TENCENTCLOUD_SECRET_KEY_FILE: edgeone.secret_key: " +
			"holds a line break or another control character; give one line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{tt.want}, faults(t, "", id, "TENCENTCLOUD_SECRET_KEY_FILE="+tt.path)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	got := faults(t, "", id, "TENCENTCLOUD_SECRET_KEY=a", "TENCENTCLOUD_SECRET_KEY_FILE=/b")
	want := []string{where + "edgeone.secret_key is given too; keep one of them"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("both at once (-want +got):\n%s", diff)
	}
}
