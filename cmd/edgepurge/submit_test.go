package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// sums reads the last line, in which completed, failed and pending make the requests.
func sums(t *testing.T, out string) (requests, completed int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	var got struct{ Requests, Completed, Failed, Pending int }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	if got.Completed+got.Failed+got.Pending != got.Requests {
		t.Errorf("got %+v, want a sum", got)
	}
	return got.Requests, got.Completed
}

func TestSubmit_EndsWithAnObjectWhateverHappens(t *testing.T) {
	t.Setenv("NATS_URL", "nats://127.0.0.1:1")
	args := []string{"submit", "--wait", "-o", "json", "https://a.example/", "https://b.example/"}
	code, out, errs := away(t, args...)
	if n, completed := sums(t, out); code != exitNone || n != 2 || completed != 0 || !strings.Contains(errs, "nats is away") {
		t.Errorf("without a server: exit code %d, %q, %q", code, out, errs)
	}
	world(t, nil) // no worker runs
	must(t, "setup")
	code, out, _ = command(t, "", append(args, "--timeout", "200ms")...)
	if n, completed := sums(t, out); code != exitTimeout || n != 2 || completed != 0 || !strings.Contains(out, `"failed":0,"pending":2,`) || !strings.Contains(out, `"failures":[]`) {
		t.Errorf("after a while: exit code %d, %q", code, out)
	}
}

// A line that no message takes is refused like any other that is no target, and the others are purged.
func TestSubmit_SendsEveryLine(t *testing.T) {
	world(t, nil)
	must(t, "setup")
	work(t)
	list := strings.Join([]string{"https://a.example/", "https://a.example/" + strings.Repeat("x", 3<<20), "https://b.example/"}, "\r\n")
	code, out, errs := command(t, list, "submit", "--file", "-", "--wait", "-o", "json")
	if n, completed := sums(t, out); code != exitSome || n != 3 || completed != 2 {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if out := must(t, "events", "-o", "json"); !strings.Contains(out, `"InvalidTarget"`) {
		t.Errorf("got %s, want that a target is not valid", out)
	}
}

// However long the last line is, and though nothing ends it.
func TestLines_KeepsTheLast(t *testing.T) {
	for _, n := range []int{1, 4095, 4096, 4097, 8192, longestLine, longestLine + 4096} {
		var got []int
		for line, err := range lines(strings.NewReader("a\n" + strings.Repeat("x", n))) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, len(line))
		}
		if want := []int{1, min(n, longestLine)}; !slices.Equal(got, want) {
			t.Errorf("got lines of %v bytes, want %v", got, want)
		}
	}
}
