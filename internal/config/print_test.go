package config_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/config"
)

// drawConfig draws a valid configuration without secrets.
func drawConfig(t *rapid.T) config.Config {
	word := rapid.StringMatching(`[a-z0-9]{1,12}|true|null|~x|2022-01-01|0x1|1e3|: #|'|"`)
	hour := func(label string, least, most int) time.Duration {
		return time.Duration(rapid.IntRange(least*3_600_000, most*3_600_000).Draw(t, label)) * time.Millisecond
	}
	cfg := config.Default()
	cfg.Instance = rapid.StringMatching(`[A-Za-z0-9_.-]{1,64}`).Draw(t, "instance")
	cfg.NATS.Context = word.Draw(t, "context")
	cfg.NATS.MaxBytes = config.Size(rapid.Int64Min(64<<20).Draw(t, "max_bytes"))
	cfg.NATS.ParkedMaxBytes = config.Size(rapid.Int64Min(64<<20).Draw(t, "parked_max_bytes"))
	cfg.NATS.ProgressMaxBytes = config.Size(rapid.Int64Min(64<<20).Draw(t, "progress_max_bytes"))
	cfg.EdgeOne.Zones = rapid.MapOfN(rapid.StringMatching(`(\*\.)?[a-z0-9]{1,9}\.com`),
		rapid.StringMatching(`zone-[a-z0-9]{1,9}`), 0, 4).Draw(t, "zones")
	cfg.Limits.CreatePerSecond = rapid.Float64Range(0.01, 1000).Draw(t, "create")
	cfg.Tracker.Deadline = hour("deadline", 1, 24)
	cfg.Events.Keep = hour("keep", 24*2*config.Attempts, 2000)
	cfg.Dead.Keep = hour("dead", 1, 2000)
	cfg.Worker.Window = rapid.IntRange(100, 1_000_000).Draw(t, "window")
	return cfg
}

func TestPrint_IsReadBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := drawConfig(rt)
		var out bytes.Buffer
		if err := cfg.Print(&out); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(cfg, load(t, write(t, "c.yaml", out.String()))); diff != "" {
			rt.Fatalf("read back it differs (-printed +read):\n%s\n%s", diff, out.String())
		}
	})
}

func TestReference_DefaultsReadAsVariables(t *testing.T) {
	var environ []string
	for _, key := range config.Reference() {
		environ = append(environ, key.Variables[0]+"="+key.Default)
	}
	if diff := cmp.Diff(config.Default(), load(t, "", environ...)); diff != "" {
		t.Errorf("differs from Default (-want +got):\n%s", diff)
	}
}

func TestPrint_WithSecretsIsRefusedAsAFile(t *testing.T) {
	cfg := secretive()
	cfg.NATS.Password, cfg.NATS.URL = "", "nats://host"
	cfg.EdgeOne.SecretID = "AKIDx"
	var out bytes.Buffer
	if err := cfg.Print(&out); err != nil {
		t.Fatal(err)
	}
	got := faults(t, write(t, "c.yaml", out.String()))
	if len(got) != 3 || !strings.Contains(strings.Join(got, ""), "is the mask of a printed configuration") {
		t.Errorf("got %q, want nats.token, secret_key and token refused", got)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestPrint_TellsWriteErrors(t *testing.T) {
	if err := config.Default().Print(brokenPipe{}); err == nil || !strings.Contains(err.Error(), "broken pipe") {
		t.Errorf("got %v, want the writer's error", err)
	}
}
