package emulator_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func TestConfig_TellsAllFaultsWithTheirFlags(t *testing.T) {
	c := emulator.Config{
		SecretID: "id", Rate: -1, Window: "rolling", Latency: -1, BatchQuota: -1, DailyQuota: -1, Day: -1, TaskTime: -1,
		Faults:  map[string]float64{"flood": 0.1, "reset": 2, "html": math.NaN(), "task-failed": 0.6, "task-timeout": 0.6},
		Unknown: map[string]string{"rows": "none", "moon": "full", "visible-after": "soon"},
		Zones:   map[string][]string{"a": {"a.test"}, "zone-b": {"*b.test"}, "zone-c": nil},
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		"secret id and secret key", "--window rolling", "--rate:", "--latency:", "--batch-quota:", "--daily-quota:",
		"--day:", "--task-time:", "--fault flood", "--fault reset=2", "--fault html=NaN", "--fault: the shares of task-failed, task-timeout",
		"--unknown rows=none", "--unknown moon", "--unknown visible-after=soon", "--zone a:", `"*b.test"`, "--zone zone-c",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
	if _, err := emulator.New(c); err == nil {
		t.Error("New: got no error")
	}
}

func TestConfig_DefaultsAreValid(t *testing.T) {
	want := emulator.Config{
		Rate: 20, Window: "fixed", Latency: 40 * time.Millisecond, BatchQuota: 500, Day: 24 * time.Hour, TaskTime: 2 * time.Second,
	}
	if diff := cmp.Diff(want, emulator.Default()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range []emulator.Config{{}, emulator.Default()} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestParse_ReadsFlags(t *testing.T) {
	shares, err := emulator.ParseFaults([]string{"reset=0.25", "unseen=1"})
	if diff := cmp.Diff(map[string]float64{"reset": 0.25, "unseen": 1}, shares); diff != "" || err != nil {
		t.Errorf("faults: %v (-want +got):\n%s", err, diff)
	}
	choices, err := emulator.ParseUnknown([]string{"daily=part", "visible-after=3s"})
	if diff := cmp.Diff(map[string]string{"daily": "part", "visible-after": "3s"}, choices); diff != "" || err != nil {
		t.Errorf("unknown: %v (-want +got):\n%s", err, diff)
	}
	zones, err := emulator.ParseZones([]string{"zone-a=a.test,*.b.test", "zone-b=*", "zone-a=c.test"})
	if diff := cmp.Diff(map[string][]string{"zone-a": {"a.test", "*.b.test", "c.test"}, "zone-b": {"*"}}, zones); diff != "" || err != nil {
		t.Errorf("zones: %v (-want +got):\n%s", err, diff)
	}
}

func TestParse_TellsAllFaults(t *testing.T) {
	_, faults := emulator.ParseFaults([]string{"reset", "=1", "html=x", "slow=2", "flood=0", "empty=0.1", "empty=0.2"})
	_, unknown := emulator.ParseUnknown([]string{"rows", "rows=both", "moon=full", "echo=exact", "echo=exact", "visible-after=-1s"})
	_, zones := emulator.ParseZones([]string{"zone-a", "zone-a_b=a.test", "zone-a=a..test", "zone-a=a.test,"})
	for _, tc := range []struct {
		err   error
		wants []string
	}{
		{faults, []string{`--fault "reset": want KIND=SHARE`, `--fault "=1"`, `"x" is no number`, "--fault slow=2", "--fault flood", "empty is given twice"}},
		{unknown, []string{`--unknown "rows"`, "rows=both: want per-target or per-job", "moon", "echo is given twice", "visible-after=-1s"}},
		{zones, []string{`--zone "zone-a"`, "--zone zone-a_b", `"a..test"`, `"" is no host`}},
	} {
		for _, want := range tc.wants {
			if tc.err == nil || !strings.Contains(tc.err.Error(), want) {
				t.Errorf("missing %q in:\n%v", want, tc.err)
			}
		}
	}
}
