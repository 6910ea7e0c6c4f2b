package edgepurge_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

const clientFile = "docs/client.md"

// The program of docs/client.md is built and run, beside an installation.
func TestDocsClient_TheProgramPurges(t *testing.T) {
	t.Parallel()
	bin := buildSnippet(t, clientFile)
	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Env = append(os.Environ(), "NATS_URL="+installation(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	want := []string{"event 1 completed", "event 2 partial", "post-4711-r3: completed", "waited: partial 1 of 2"}
	if len(lines) == len(want) && lines[0] == "event 1 partial" { // no order is promised
		want[0], want[1] = "event 1 partial", "event 2 completed"
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// The lines of README.md are those of a program that compiles.
func TestREADME_CallsTheClientAsItIs(t *testing.T) {
	t.Parallel()
	lines := blocks(t, "README.md", "go")
	if len(lines) != 1 {
		t.Fatalf("got %d snippets in Go, want one", len(lines))
	}
	buildProgram(t, "README.md", `package main

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/purge"
)

func main() { _ = purges }

func purges(ctx context.Context, nc *nats.Conn) (string, purge.Outcome, error) {
	`+lines[0]+`
	return id, outcome, err
}
`)
}

// The recipes publish valid requests to the subjects that there are, without a message id, and look where events are.
func TestDocsClient_RecipesSayTheSame(t *testing.T) {
	t.Parallel()
	subjects := purge.Subjects{Prefix: "purge"}
	look := "$JS.API.DIRECT.GET." + subjects.Stream("EVENTS") + "."
	for language, texts := range map[string][]string{
		"js": {
			`"` + subjects.Request(purge.Interactive, "ghost") + `"`,
			"`" + look + subjects.EventOf("ghost", "${id}") + "`", purge.EventContentType,
		},
		"python": {
			`"` + subjects.Request(purge.Interactive, "ghost") + `"`,
			`f"` + look + subjects.EventOf("ghost", "{id}") + `"`, purge.EventContentType,
		},
		"sh": {
			"nats pub -J " + subjects.Request(purge.Interactive, "ghost") + " ",
			"'" + look + subjects.EventOf("ghost", "post-4711-r3") + "'",
		},
	} {
		text := strings.Join(blocks(t, clientFile, language), "\n")
		for _, want := range texts {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the recipe for %s has no %s", clientFile, language, want)
			}
		}
		for _, header := range []string{jetstream.MsgIDHeader, "msgID"} {
			if strings.Contains(text, header) {
				t.Errorf("%s: the recipe for %s sets %s", clientFile, language, header)
			}
		}
	}
	pub := regexp.MustCompile(`(?m)^nats pub .* '(\{.*\})'$`)
	found := pub.FindAllStringSubmatch(string(read(t, clientFile)), -1)
	if len(found) != 1 {
		t.Fatalf("got %d lines with nats pub, want one", len(found))
	}
	if r, err := purge.Decode([]byte(found[0][1]), ""); err != nil || r.ID != "post-4711-r3" {
		t.Errorf("got %+v, %v, want post-4711-r3", r, err)
	}
}

// The tables name each error and each call of the package, and nothing else.
func TestDocsClient_TablesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	var errs, calls []string
	for _, row := range table(t, clientFile, "error") {
		if name := unquote(row[0]); strings.HasPrefix(name, "Err") {
			errs = append(errs, name)
		}
	}
	for _, row := range table(t, clientFile, "call") {
		calls = append(calls, unquote(row[0]))
	}
	wantErrs, wantCalls := exported(t, "client")
	slices.Sort(errs)
	slices.Sort(calls)
	if diff := cmp.Diff(wantErrs, errs); diff != "" {
		t.Errorf("errors (-code +table):\n%s", diff)
	}
	if diff := cmp.Diff(wantCalls, calls); diff != "" {
		t.Errorf("calls (-code +table):\n%s", diff)
	}
}

// exported gives the package's errors and the methods of its clients, by name.
func exported(t *testing.T, pkg string) (errs, methods []string) {
	t.Helper()
	for _, name := range files(t, ".go") {
		if !strings.HasPrefix(name, pkg+"/") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && receiver(f) == "Client." && f.Name.IsExported() {
				methods = append(methods, f.Name.Name)
			}
		}
		for _, name := range declared(t, name) {
			if strings.HasPrefix(name, "Err") {
				errs = append(errs, name)
			}
		}
	}
	slices.Sort(errs)
	slices.Sort(methods)
	return errs, methods
}

// The rights of the documents are those of the package's documentation, which its tests hold to a server.
func TestDocsClient_RightsAreThoseOfThePackage(t *testing.T) {
	t.Parallel()
	doc := string(read(t, "client/doc.go"))
	text := string(read(t, clientFile))
	right := regexp.MustCompile(`(?m)^//\t.*(?:publish|subscribe) +(\S+)$`)
	found := right.FindAllStringSubmatch(doc, -1)
	for _, m := range found {
		if !strings.Contains(text, "`"+m[1]+"`") {
			t.Errorf("%s: got no right to %s", clientFile, m[1])
		}
	}
	if len(found) != 6 {
		t.Errorf("got %d rights, want those of the package", len(found))
	}
}

func TestDocsClient_TimesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	text := string(read(t, clientFile))
	for told, code := range map[string]string{
		"time-outs (5 s each": "defaultTimeout = 5 * time.Second", "returned after 15 s": "defaultAbsence = 15 * time.Second",
	} {
		source := string(read(t, "client/client.go")) + string(read(t, "client/retry.go"))
		if !strings.Contains(text, told) || !strings.Contains(source, code) {
			t.Errorf("want %q in %s and %q in the code", told, clientFile, code)
		}
	}
}

// installation runs a NATS server and a worker, with an emulator in EdgeOne's place, and gives the server's URL.
func installation(t *testing.T) string {
	t.Helper()
	ec := emulator.Default()
	ec.TaskTime, ec.Latency, ec.Rate = 100*time.Millisecond, 0, 0
	api, err := emulator.New(ec)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	url := natstest.Start(t, nil).URL
	cfg := config.Default()
	cfg.NATS.URL = config.ServerURL(url)
	cfg.EdgeOne.Endpoint = srv.URL
	cfg.HTTP.Listen = ""
	cfg.Limits.CreatePerSecond, cfg.Limits.DescribePerSecond = 0, 0
	cfg.Tracker.PollMin, cfg.Tracker.PollMax = 100*time.Millisecond, 300*time.Millisecond
	cfg.Worker.Drain = 2 * time.Second
	a, err := app.New(cfg, common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return url
}
