package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStatus_FollowsARequestToItsEnd(t *testing.T) {
	world(t, nil)
	must(t, "setup")
	id := strings.TrimSpace(must(t, "submit", "https://a.example/?a=1&b=<2>", "--id", "n"))
	for _, name := range []string{id, "cli/" + id} {
		if out := must(t, "status", name); out != "waiting\n" {
			t.Errorf("%s: got %q, want waiting", name, out)
		}
	}
	if out := must(t, "status", id, "-o", "json"); out != `{"request":"`+id+`","source":"cli","status":"waiting"}`+"\n" {
		t.Errorf("got %s", out)
	}
	for _, c := range []struct{ args, want string }{
		{"status ghost/" + id, "unknown\n"},
		{"status _1-2", "unknown\n"},
		{"status nope -o json", `{"request":"nope","source":"cli","status":"unknown"}` + "\n"},
	} {
		if code, out, errs := command(t, "", strings.Fields(c.args)...); code != exitNone || out != c.want || !strings.Contains(errs, "is not known") {
			t.Errorf("%s: exit code %d, %q, %q; want 1 and %q", c.args, code, out, errs, c.want)
		}
	}
	work(t)
	until(t, "the end", func() bool { return strings.HasPrefix(must(t, "status", id), "status     completed\n") })
	if out := must(t, "status", id); !strings.Contains(out, "1 of 1 purged\n") || !strings.Contains(out, "cli/"+id+"\n") {
		t.Errorf("got %s", out)
	}
	var event struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(must(t, "events", "-o", "json")), &event); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decoded(t, string(event.Data)), decoded(t, must(t, "status", id, "-o", "json"))); diff != "" {
		t.Errorf("the event's data (-event +status):\n%s", diff)
	}
}

func TestStatus_OfAFailureTellsWhy(t *testing.T) {
	world(t, nil)
	work(t)
	until(t, "the streams", func() bool {
		code, _, _ := command(t, "", "setup", "--dry-run")
		_, out, _ := command(t, "", "setup", "--dry-run")
		return code == exitOK && out == ""
	})
	if code, _, errs := command(t, "", "submit", "nonsense", "--id", "n", "--wait"); code != exitNone || !strings.Contains(errs, "rejected: InvalidTarget") {
		t.Errorf("exit code %d, %q", code, errs)
	}
	id := strings.Fields(must(t, "submit", "nonsense", "--id", "n"))[0]
	out := must(t, "status", id)
	for _, want := range []string{"rejected", "0 of 1 purged", "(targets[0])", "nonsense: InvalidTarget"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

func TestSubmit_TellsTheEndsBefore(t *testing.T) {
	world(t, nil)
	must(t, "setup")
	work(t)
	args := []string{"submit", "--id", "n", "--wait", "https://a.example/"}
	if out := must(t, args...); strings.Contains(out, "before") {
		t.Errorf("first: got %q", out)
	}
	out := must(t, append(args, "https://a.example/2")...)
	if !strings.HasPrefix(out, "2 requests: 2 completed, 0 failed") || !strings.HasSuffix(out, "; 1 had ended before\n") {
		t.Errorf("again with one more: got %q", out)
	}
	sum := decoded(t, must(t, append(args, "-o", "json")...))
	if len(sum) != 1 || sum[0]["completed"] != 1.0 {
		t.Errorf("got %v", sum)
	}
}
