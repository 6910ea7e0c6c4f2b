package main

import (
	"strings"
	"sync"
	"testing"
)

func TestCommands_WithoutPermissionSayWhich(t *testing.T) {
	s := withUsers(t)
	t.Setenv("NATS_URL", s.URL)
	t.Setenv("NATS_USER", "worker")
	t.Setenv("NATS_PASSWORD", workerPassword)
	must(t, "setup")
	t.Setenv("NATS_USER", "ghost")
	t.Setenv("NATS_PASSWORD", ghostPassword)
	var all sync.WaitGroup // the server drops what it refuses: each waits for an answer for some seconds
	for args, subject := range map[string]string{
		"events":                       `"$JS.API.CONSUMER.CREATE.PURGE_EVENTS.`,
		"dead ls":                      `"$JS.API.CONSUMER.CREATE.PURGE_DEAD.`,
		"dead show 1":                  `"$JS.API.STREAM.INFO.PURGE_DEAD"`,
		"dead replay 1":                `"$JS.API.STREAM.INFO.PURGE_DEAD"`,
		"dead drop 1":                  `"$JS.API.STREAM.INFO.PURGE_DEAD"`,
		"setup --dry-run":              `"$JS.API.STREAM.INFO.PURGE_REQUESTS"`,
		"submit --id n x":              `"purge.requests.interactive.cli"`,
		"submit --id n x --wait":       `"purge.events.cli.*.*"`,
		"status ghost/a":               `"$JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.ghost.*.a"`,
		"submit --id n --source g x y": `"purge.requests.interactive.g"`,
	} {
		all.Go(func() {
			code, _, errs := command(t, "", append(strings.Fields(args), "--connect-timeout", "2s")...)
			if code != exitNone || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "nats refuses this user: ") || !strings.Contains(errs, subject) {
				t.Errorf("%s: exit code %d, %q; want one line that names %s", args, code, errs, subject)
			}
		})
	}
	all.Wait()
	must(t, "submit", "--id", "n", "--source", "ghost", "https://a.example/") // is all that ghost may do
}

func TestCommands_WithAWrongPassword(t *testing.T) {
	s := withUsers(t)
	t.Setenv("NATS_URL", s.URL)
	t.Setenv("NATS_USER", "worker")
	t.Setenv("NATS_PASSWORD", "another")
	code, _, errs := away(t, "events")
	if code != exitNone || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, s.URL+": nats is away: the server refuses these credentials; check NATS_CREDS") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}
