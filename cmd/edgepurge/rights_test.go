package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/edgepurge/edgepurge/internal/natstest"
)

// granted reads the rights of ghost in docs/client.md.
func granted(t *testing.T) *server.Permissions {
	t.Helper()
	doc, err := os.ReadFile("../../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	list := func(name string) []string {
		found := regexp.MustCompile(`(?s)\n\s+` + name + `: \[(.*?)\]\n`).FindSubmatch(doc)
		if found == nil {
			t.Fatalf("docs/client.md has no list of %s", name)
		}
		var all []string
		for _, q := range regexp.MustCompile(`"(.*?)"`).FindAllSubmatch(found[1], -1) {
			all = append(all, string(q[1]))
		}
		return all
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: list("publish")},
		Subscribe: &server.SubjectPermission{Allow: list("subscribe")},
	}
}

// asGhost runs the worker as its own user, and the commands of the test as ghost.
func asGhost(t *testing.T, may *server.Permissions) {
	t.Helper()
	world(t, nil) // its emulator; the server is another
	s := natstest.Start(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "worker", Password: workerPassword}, {Username: "ghost", Password: ghostPassword, Permissions: may},
		}
	})
	t.Setenv("NATS_URL", s.URL)
	t.Setenv("NATS_USER", "worker")
	t.Setenv("NATS_PASSWORD", workerPassword)
	must(t, "setup")
	work(t)
	must(t, "submit", "--source", "shop", "--wait", "https://shop.example/")
	t.Setenv("NATS_USER", "ghost")
	t.Setenv("NATS_PASSWORD", ghostPassword)
	t.Setenv("EDGEPURGE_NATS_INBOX", "_INBOX_ghost")
}

// The rights that docs/client.md gives a producer, and no others, are enough for the three commands.
func TestCommands_WithTheRightsOfAProducer(t *testing.T) {
	asGhost(t, granted(t))
	for i, begin := range []string{"2 requests: 2 completed, 0 failed", "2 requests: 2 completed, 0 failed"} {
		code, out, errs := command(t, "", "submit", "--source", "ghost", "--id", "n", "--wait", "https://a.example/1", "https://a.example/2")
		if code != exitOK || !strings.HasPrefix(out, begin) || errs != "" || strings.HasSuffix(out, "; 2 had ended before\n") != (i == 1) {
			t.Errorf("submit --wait, %d: exit code %d, %q, %q", i, code, out, errs)
		}
	}
	id := strings.TrimSpace(must(t, "submit", "--source", "ghost", "--id", "n", "https://a.example/1"))
	if out := must(t, "status", "ghost/"+id); !strings.HasPrefix(out, "status     completed\n") {
		t.Errorf("status: got %q", out)
	}
	out := must(t, "events", "--source", "ghost", "--no-headers")
	if strings.Count(out, "\n") != 2 || strings.Count(out, "completed  ghost/n-") != 2 {
		t.Errorf("events: got %q, want two of ghost", out)
	}
	for _, e := range decoded(t, must(t, "events", "--source", "ghost", "-o", "json")) {
		if e["specversion"] != "1.0" {
			t.Errorf("events -o json: got %v", e)
		}
	}
	// What the rights do not show is said, and is not unknown.
	code, out, errs := command(t, "", "status", "ghost/nothing-like-it")
	if code != exitNone || out != "not-shown\n" || !strings.Contains(errs, "the rights of this user do not show which") {
		t.Errorf("status of nothing: exit code %d, %q, %q", code, out, errs)
	}
	code, out, _ = command(t, "", "status", "ghost/nothing-like-it", "-o", "json")
	var got map[string]string
	if err := json.Unmarshal([]byte(out), &got); code != exitNone || err != nil || got["status"] != "not-shown" || got["reason"] == "" {
		t.Errorf("status -o json of nothing: exit code %d, %q", code, out)
	}
	for _, args := range []string{"events", "events --source shop", "status shop/x", "submit --source shop --wait https://a.example/"} {
		code, out, errs := command(t, "", strings.Fields(args)...)
		if code != exitNone || !strings.Contains(errs, "nats refuses this user: Permissions Violation for ") || strings.Contains(out, "unknown") {
			t.Errorf("%s: exit code %d, %q, %q; want the right that is missing", args, code, out, errs)
		}
	}
}

// A producer that may only publish and listen is shown the ends that come.
func TestSubmit_WithoutTheRightToLook(t *testing.T) {
	asGhost(t, &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{"purge.requests.*.ghost"}},
		Subscribe: &server.SubjectPermission{Allow: []string{"purge.events.ghost.>", "_INBOX_ghost.>"}},
	})
	code, out, errs := command(t, "", "submit", "--source", "ghost", "--wait", "https://a.example/1", "nonsense")
	if code != exitSome || !strings.HasPrefix(out, "2 requests: 1 completed, 1 failed") || !strings.Contains(errs, "nonsense: rejected: InvalidTarget: ") {
		t.Errorf("submit --wait: exit code %d, %q, %q", code, out, errs)
	}
	code, out, errs = command(t, "", "submit", "--source", "ghost", "--id", "n", "--wait", "-o", "json", "https://a.example/2")
	if n, completed := sums(t, out); code != exitOK || n != 1 || completed != 1 || !strings.Contains(errs, "warning: requests that ended before can't be seen") {
		t.Errorf("submit --id --wait: exit code %d, %q, %q", code, out, errs)
	}
}
