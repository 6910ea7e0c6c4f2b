package docs_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/tree"
	"github.com/edgepurge/edgepurge/purge"
)

// testLine is the one line that says how to run the tests; .ci/run takes it from there.
var testLine = regexp.MustCompile(`(?m)^go test .*\./\.\.\.$`)

func TestREADME_SnippetsAreARequestAndItsEvent(t *testing.T) {
	t.Parallel()
	snippets := tree.Blocks(t, "README.md", "json")
	if len(snippets) != 2 {
		t.Fatalf("got %d snippets, want a request and an event", len(snippets))
	}
	r, err := purge.Decode([]byte(snippets[0]), "")
	if err != nil {
		t.Fatalf("decode request: %v", err)
	}
	e, err := purge.DecodeEvent([]byte(snippets[1]))
	if err != nil {
		t.Fatalf("decode event: %v", err)
	}
	if e.Data.Request != r.ID || e.Data.Digest != r.Digest() || e.Data.Targets.Total != len(r.Targets) {
		t.Errorf("got an event of %s, digest %s, %d targets; want %s, %s, %d",
			e.Data.Request, e.Data.Digest, e.Data.Targets.Total, r.ID, r.Digest(), len(r.Targets))
	}
	if diff := cmp.Diff(purge.NewEvent("default", e.Data, e.Time), e); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	for _, f := range e.Data.Failures {
		_, err := purge.Canonical(r.Type, f.Target)
		if want, ok := errors.AsType[*purge.Reason](err); !ok || f.Code != want.Code || f.Reason != want.Message {
			t.Errorf("%s: got %s, %q; want what package purge says: %v", f.Target, f.Code, f.Reason, err)
		}
	}
}

func TestREADME_PublishesValidRequests(t *testing.T) {
	t.Parallel()
	pub := regexp.MustCompile(`(?m)^nats pub (\S+) '(.+)'$`)
	found := pub.FindAllStringSubmatch(string(tree.Read(t, "README.md")), -1)
	if len(found) == 0 {
		t.Error("got no line with nats pub, want one")
	}
	for _, m := range found {
		if _, _, ok := (purge.Subjects{Prefix: "purge"}).ParseRequest(m[1]); !ok {
			t.Errorf("%s: not a subject of requests", m[1])
		}
		if _, err := purge.Decode([]byte(m[2]), ""); err != nil {
			t.Errorf("%s: %v", m[2], err)
		}
	}
}

func TestREADME_SaysHowToTestOnce(t *testing.T) {
	t.Parallel()
	lines := testLine.FindAllString(string(tree.Read(t, "README.md")), -1)
	if len(lines) != 1 {
		t.Fatalf("got %q, want one line: .ci/run takes it from there", lines)
	}
	if makefile := string(tree.Read(t, "Makefile")); !strings.Contains(makefile, "\t"+lines[0]+"\n") {
		t.Errorf("Makefile does not run %q", lines[0])
	}
}

func TestREADME_VariablesAreRead(t *testing.T) {
	t.Parallel()
	known := []string{config.FileVariable}
	for _, key := range config.Reference() {
		known = append(known, key.Variables...)
	}
	name := regexp.MustCompile(`\b(EDGEPURGE|NATS|TENCENTCLOUD)_[A-Z0-9_]+\b`)
	for _, file := range append(tree.Files(t, ".md"), "config.example.yaml") {
		for _, got := range name.FindAllString(string(tree.Read(t, file)), -1) {
			if !slices.Contains(known, got) {
				t.Errorf("%s: got %s, which no key of the configuration reads", file, got)
			}
		}
	}
}

// Nothing is promised that can't be had yet: neither an image nor a module of a released version.
func TestREADME_PromisesNothingUnpublished(t *testing.T) {
	t.Parallel()
	promise := regexp.MustCompile(`go install \S+@|docker pull|docker run|ghcr\.io|brew install|apt-get install`)
	if m := promise.FindString(string(tree.Read(t, "README.md"))); m != "" {
		t.Errorf("README.md promises %q", m)
	}
}
