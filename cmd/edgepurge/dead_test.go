package main

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// buried has three dead letters: 1 is a request whose id was used before, 2 is garbage, 3 is no JSON.
func buried(t *testing.T) (jetstream.JetStream, *emulator.Emulator) {
	t.Helper()
	js, api := world(t, nil)
	must(t, "setup")
	for _, body := range []string{
		`{"id":"a","targets":["https://a.example/1"]}`, `{"id":"a","targets":["https://a.example/2?x=<&>"]}`, "\xff\x00\x1b[31m", "no \x1b[2J JSON",
	} {
		if _, err := js.Publish(t.Context(), "purge.requests.bulk.ghost", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	work(t)
	until(t, "the letters", func() bool { return strings.Count(must(t, "dead", "ls", "-o", "json"), "\n") == 3 })
	return js, api
}

// sequence finds the letter with a code whose body holds a text.
func sequence(t *testing.T, code, text string) string {
	t.Helper()
	for _, l := range decoded(t, must(t, "dead", "ls", "-o", "json")) {
		n := jsonNumber(l["sequence"])
		if l["code"] == code && strings.Contains(must(t, "dead", "show", n), text) {
			return n
		}
	}
	t.Fatalf("no letter with %s and %q", code, text)
	return ""
}

func jsonNumber(v any) string {
	n, _ := v.(float64)
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func TestDead_ListsAndShows(t *testing.T) {
	buried(t)
	reused, garbage, text := sequence(t, "IdReused", ""), sequence(t, "Malformed", "\xff"), sequence(t, "Malformed", "no ")
	out := must(t, "dead", "ls")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 4 || strings.Join(strings.Fields(lines[0]), " ") != "SEQUENCE TIME REASON REQUEST MESSAGE" {
		t.Errorf("got\n%s", out)
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("the terminal is commanded by %q", out)
	}
	for _, c := range []struct {
		args string
		want int
	}{
		{"dead ls --source ghost", 4},
		{"dead ls --source shop", 0},
		{"dead ls --reason id-reused", 2},
		{"dead ls --reason IdReused --source ghost", 2},
		{"dead ls --reason Malformed -o json", 2},
		{"dead ls --reason poison -o json", 0},
	} {
		if out := must(t, strings.Fields(c.args)...); strings.Count(out, "\n") != c.want {
			t.Errorf("%s: got %q, want %d lines", c.args, out, c.want)
		}
	}
	out = must(t, "dead", "show", reused)
	for _, want := range []string{
		"Sequence: " + reused + "\n", "Edgepurge-Subject: purge.requests.bulk.ghost\n", "Edgepurge-Request: ghost/a\n", "Edgepurge-Code: IdReused\n", "Edgepurge-Message: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if !strings.HasSuffix(out, "\n\n"+`{"id":"a","targets":["https://a.example/2?x=<&>"]}`) {
		t.Errorf("got %q, want it to end with the original bytes", out)
	}
	l := decoded(t, must(t, "dead", "show", reused, "-o", "json"))[0]
	if l["data"] != `{"id":"a","targets":["https://a.example/2?x=<&>"]}` || l["data_base64"] != nil || l["request"] != "ghost/a" {
		t.Errorf("got %v", l)
	}
	if l := decoded(t, must(t, "dead", "show", text, "-o", "json"))[0]; l["data"] != "no \x1b[2J JSON" {
		t.Errorf("got %v", l)
	}
	l = decoded(t, must(t, "dead", "show", garbage, "-o", "json"))[0]
	data, _ := l["data_base64"].(string)
	if got, err := base64.StdEncoding.DecodeString(data); err != nil || string(got) != "\xff\x00\x1b[31m" || l["data"] != nil {
		t.Errorf("got %v: %q, %v", l, got, err)
	}
}

func TestDead_ReplaysAndDrops(t *testing.T) {
	js, _ := buried(t)
	reused, garbage := sequence(t, "IdReused", ""), sequence(t, "Malformed", "\xff")
	sub, err := js.Conn().SubscribeSync("purge.requests.bulk.ghost")
	if err != nil {
		t.Fatal(err)
	}
	if err := js.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "dead", "replay", reused, reused); out != "ghost/_replay-"+reused+"\n" {
		t.Errorf("got %q", out)
	}
	m, err := sub.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Data) != `{"targets":["https://a.example/2?x=<&>"],"labels":{"replay_of":"ghost/a"}}` || m.Header.Get("Edgepurge-Replay") != "_replay-"+reused {
		t.Errorf("got %s with %v", m.Data, m.Header)
	}
	code, out, errs := command(t, "", "dead", "replay", garbage, reused, "99", "-o", "json")
	if code != exitSome || strings.Count(errs, "\n") != 2 || !strings.Contains(errs, "can't be replayed") || !strings.Contains(errs, "no such dead letter: 99") {
		t.Errorf("exit code %d, %q", code, errs)
	}
	if want := `{"sequence":` + reused + `,"source":"ghost","request":"_replay-` + reused + `","lane":"bulk","replay_of":"ghost/a"}` + "\n"; out != want {
		t.Errorf("got %s, want %s", out, want)
	}
	if code, out, _ := command(t, "", "dead", "replay", garbage); code != exitNone || out != "" {
		t.Errorf("exit code %d, %q", code, out)
	}
	if out := must(t, "dead", "drop", reused); out != reused+" dropped\n" {
		t.Errorf("got %q", out)
	}
	if code, out, errs := command(t, "", "dead", "drop", reused, garbage, "-o", "json"); code != exitSome || out != `{"sequence":`+garbage+`,"dropped":true}`+"\n" || !strings.Contains(errs, "no such dead letter") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if code, _, errs := command(t, "", "dead", "show", reused); code != exitNone || !strings.Contains(errs, "no such dead letter") {
		t.Errorf("exit code %d, %q", code, errs)
	}
	if out := must(t, "dead", "ls", "-o", "json"); strings.Count(out, "\n") != 1 {
		t.Errorf("left: %s", out)
	}
}
