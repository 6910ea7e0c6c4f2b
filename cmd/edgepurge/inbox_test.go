package main

import (
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/edgepurge/edgepurge/internal/natstest"
)

// A user with an inbox of its own gets no answers until that is named: every command says so.
func TestCommands_WithAForgottenInboxNameIt(t *testing.T) {
	s := natstest.Start(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "all", Password: "all"},
			{Username: "ghost", Password: ghostPassword, Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: []string{">"}},
				Subscribe: &server.SubjectPermission{Allow: []string{"purge.events.ghost.>", "_INBOX_ghost.>"}},
			}},
		}
	})
	t.Setenv("NATS_URL", s.URL)
	t.Setenv("NATS_USER", "all")
	t.Setenv("NATS_PASSWORD", "all")
	must(t, "setup")
	t.Setenv("NATS_USER", "ghost")
	t.Setenv("NATS_PASSWORD", ghostPassword)
	var all sync.WaitGroup // no answer comes: each waits for some seconds
	for _, args := range []string{
		"submit --source ghost --id n https://a.example/", "submit --source ghost --id n --wait https://a.example/",
		"status ghost/a", "events --source ghost", "events", "dead ls", "setup", "pause bulk",
	} {
		all.Go(func() {
			code, _, errs := command(t, "", strings.Fields(args)...)
			if code != exitNone || strings.Count(errs, "EDGEPURGE_NATS_INBOX (nats.inbox)") != 1 || goText.MatchString(errs) {
				t.Errorf("%s: exit code %d, %q; want the variable named", args, code, errs)
			}
		})
	}
	all.Wait()
	t.Setenv("EDGEPURGE_NATS_INBOX", "_INBOX_ghost")
	must(t, "submit", "--source", "ghost", "--id", "n", "https://a.example/")
}
