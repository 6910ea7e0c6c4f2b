package emulator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func TestUnknown_RowPerJob(t *testing.T) {
	c, e := newClient(t, emulator.Config{Unknown: map[string]string{"rows": "per-job"}})
	job := c.create(t, urls(30)...)
	c.create(t, urls(2)...)
	a := c.describe(t, []string{"job-id", job})
	if a.TotalCount != 1 || a.Tasks[0].Target != urls(1)[0] {
		t.Errorf("got %s, want one row of the first target", a.raw)
	}
	if got := c.describe(t).TotalCount; got != 2 {
		t.Errorf("got %d rows, want 2", got)
	}
	if got := e.Stats(); got.Targets != 32 || got.DistinctTargets != 30 {
		t.Errorf("got %+v, want 32 targets, 30 distinct", got)
	}
}

func TestUnknown_Echo(t *testing.T) {
	submitted := []string{
		"HTTPS://WWW.Example.com:443",
		"http://www.example.com:80?q=%c3%a9",
		"https://www.example.com:80/%7euser/%2F/../a",
		"https://www.example.com/100%/%zz",
		"https://www.example.com/é",
	}
	for echo, want := range map[string][]string{
		"exact": submitted,
		"canonical": {
			"https://www.example.com/",
			"http://www.example.com/?q=%C3%A9",
			"https://www.example.com:80/~user/%2F/../a",
			"https://www.example.com/100%/%zz",
			"https://www.example.com/%C3%A9",
		},
	} {
		c, _ := newClient(t, emulator.Config{Unknown: map[string]string{"echo": echo}})
		p := object{"ZoneId": testZone, "Type": "purge_url", "Targets": submitted, "EncodeUrl": true}
		c.must(t, "CreatePurgeTask", p)
		var got []string
		for _, row := range c.describe(t).Tasks {
			got = append(got, row.Target)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", echo, diff)
		}
	}
	c, _ := newClient(t, emulator.Config{Unknown: map[string]string{"echo": "canonical"}})
	c.must(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_host", "Targets": []string{"WWW.example.com"}})
	if got := c.describe(t).Tasks[0].Target; got != "www.example.com" {
		t.Errorf("host: got %q", got)
	}
}

func TestUnknown_FailedListEchoesTargetsAsSubmitted(t *testing.T) {
	config := twoZones()
	config.Unknown = map[string]string{"foreign-host": "failedlist", "echo": "canonical"}
	c, _ := newClient(t, config)
	targets := []string{"https://IMG.example.com", "https://www.example.com/", "https://other.test/"}
	a := c.must(t, "CreatePurgeTask", object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": targets})
	if len(a.FailedList) != 1 || a.FailedList[0].Reason == "" ||
		!cmp.Equal(a.FailedList[0].Targets, []string{targets[0], targets[2]}) {
		t.Errorf("got %s, want the first and the last target in one reason", a.raw)
	}
	// What has no form at all sinks the call all the same.
	targets[0] = "img"
	p := object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": targets}
	if got := c.call(t, "CreatePurgeTask", p).code(); got != "InvalidParameter.Target" {
		t.Errorf("got %q, want InvalidParameter.Target", got)
	}
}
