package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/config"
)

func TestChanges_TellsEachKeyThatDiffers(t *testing.T) {
	before, after := config.Default(), config.Default()
	if got := before.Changes(after); len(got) != 0 {
		t.Errorf("got %v between equals, want nothing", got)
	}
	before.EdgeOne.Zones = nil
	if got := before.Changes(after); len(got) != 0 {
		t.Errorf("got %v between no zones and none, want nothing", got)
	}
	before.EdgeOne.SecretID, before.EdgeOne.SecretKey = "AKIDOLD", "old-key"
	after.Log.Level = "debug"
	after.NATS.URL = "nats://user:pass@a:4222"
	after.EdgeOne.Zones = config.Zones{"a.example": "zone-a"}
	after.EdgeOne.SecretID, after.EdgeOne.SecretKey = "AKIDNEW", "new-key"
	after.Limits.CreatePerSecond = 12.5
	after.Worker.Drain = 90 * time.Second
	want := []config.Change{
		{"log.level", "info", "debug", true},
		{"nats.url", "nats://127.0.0.1:4222", "nats://***@a:4222", false},
		{"edgeone.secret_id", "***", "***", true},
		{"edgeone.secret_key", "***", "***", true},
		{"edgeone.zones", "", "a.example=zone-a", true},
		{"limits.create_per_second", "20", "12.5", true},
		{"worker.drain", "25s", "1m30s", false},
	}
	got := before.Changes(after)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, secret := range []string{"AKIDOLD", "AKIDNEW", "old-key", "new-key", "pass"} {
		if strings.Contains(fmt.Sprintf("%+v", got), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
}

func TestAdopt_TakesTheLiveKeysAlone(t *testing.T) {
	before, other := config.Default(), config.Default()
	other.Log.Level, other.Batch.MaxTargets, other.Limits.DescribePerSecond = "warn", 7, 3
	other.NATS.Prefix, other.Tracker.Deadline, other.HTTP.Listen = "other", time.Hour, ""
	next := before.Adopt(other)
	want := config.Default()
	want.Log.Level, want.Batch.MaxTargets, want.Limits.DescribePerSecond = "warn", 7, 3
	if diff := cmp.Diff(want, next); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range next.Changes(other) {
		if c.Live {
			t.Errorf("%s was not taken", c.Key)
		}
	}
	if diff := cmp.Diff(config.Default(), before); diff != "" {
		t.Errorf("the first was changed:\n%s", diff)
	}
}

func TestReference_TellsWhichKeysAreLive(t *testing.T) {
	var live []string
	for _, k := range config.Reference() {
		if k.Live {
			live = append(live, k.Path)
		}
	}
	want := []string{
		"log.level", "edgeone.secret_id", "edgeone.secret_id_file", "edgeone.secret_key", "edgeone.secret_key_file",
		"edgeone.token", "edgeone.token_file", "edgeone.zones", "limits.create_per_second", "limits.describe_per_second",
		"batch.max_targets",
	}
	if !slices.Equal(live, want) {
		t.Errorf("got %q, want %q", live, want)
	}
}
