package main

import (
	"strings"
	"sync"
	"testing"
)

func TestVersion_IsAFlagToo(t *testing.T) {
	if flag, word := must(t, "--version"), must(t, "version"); flag != word || !strings.HasPrefix(flag, "edgepurge ") {
		t.Errorf("got %q and %q, want the same", flag, word)
	}
}

func TestHelp_IsThatOfTheCommand(t *testing.T) {
	for _, args := range []string{"submit", "config check", ""} {
		words := strings.Fields(args)
		if got, want := must(t, append([]string{"help"}, words...)...), must(t, append(words, "--help")...); got != want {
			t.Errorf("help %s: got %q, want %q", args, got, want)
		}
	}
}

// Whatever is away, taken or refused: nobody is shown what a library of Go says.
func TestMessages_AreForPeople(t *testing.T) {
	world(t, nil)
	t.Setenv("TENCENTCLOUD_SECRET_KEY", "another")
	var all sync.WaitGroup
	ask := func(want string, args ...string) {
		all.Go(func() {
			code, out, errs := away(t, args...)
			if text := goText.FindString(out + errs); text != "" || code == exitOK || !strings.Contains(out+errs, want) {
				t.Errorf("%s: exit code %d, %q, %q; want %q, and no text of a library (%s)", args, code, out, errs, want, text)
			}
		})
	}
	ask("check the key pair", "quota")
	ask("check the key pair", "config", "check", "--online")
	all.Wait()
	for _, c := range []struct{ name, value, want, args string }{
		{"NATS_URL", "nats://127.0.0.1:1", "nats is away", "events"},
		{"NATS_URL", "nats://nobody.invalid:4222", "nats is away", "submit --id n x"},
		{"EDGEPURGE_HTTP_LISTEN", "127.0.0.1:1", "nobody listens on 127.0.0.1:1", "health"},
		{"EDGEPURGE_HTTP_LISTEN", "nobody.invalid:7480", `host "nobody.invalid"`, "health"},
		{"EDGEPURGE_HTTP_LISTEN", "", "http.listen is empty", "health"},
		{"EDGEPURGE_EDGEONE_ENDPOINT", "http://127.0.0.1:1", "nobody listens on 127.0.0.1:1", "quota"},
		{"EDGEPURGE_EDGEONE_ENDPOINT", "http://127.0.0.1:1", "nobody listens on 127.0.0.1:1", "config check --online"},
		{"EDGEPURGE_EDGEONE_ENDPOINT", "nobody.invalid", "nobody.invalid", "quota"},
		{"NATS_CONTEXT", "nope", `no context "nope"`, "dead ls"},
	} {
		t.Run(c.args+" "+c.value, func(t *testing.T) {
			t.Setenv(c.name, c.value)
			ask(c.want, strings.Fields(c.args)...)
			all.Wait()
		})
	}
}
