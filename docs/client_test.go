package docs_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/tree"
	"github.com/edgepurge/edgepurge/purge"
)

const clientFile = "docs/client.md"

// The recipes publish valid requests to the subjects that there are, without a message id, and look
// where events are.
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
		text := strings.Join(tree.Blocks(t, clientFile, language), "\n")
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
	found := pub.FindAllStringSubmatch(string(tree.Read(t, clientFile)), -1)
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
	for _, row := range tree.Table(t, clientFile, "error") {
		if name := tree.Unquote(row[0]); strings.HasPrefix(name, "Err") {
			errs = append(errs, name)
		}
	}
	for _, row := range tree.Table(t, clientFile, "call") {
		calls = append(calls, tree.Unquote(row[0]))
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
	for _, name := range tree.Files(t, ".go") {
		if !strings.HasPrefix(name, pkg+"/") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed := tree.Parse(t, name)
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

// The rights of the documents are those of the package's documentation, which its tests hold to a
// server.
func TestDocsClient_RightsAreThoseOfThePackage(t *testing.T) {
	t.Parallel()
	doc := string(tree.Read(t, "client/doc.go"))
	text := string(tree.Read(t, clientFile))
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
	text := string(tree.Read(t, clientFile))
	for told, code := range map[string]string{
		"time-outs (5 s each": "defaultTimeout = 5 * time.Second", "returned after 15 s": "defaultAbsence = 15 * time.Second",
	} {
		source := string(tree.Read(t, "client/client.go")) + string(tree.Read(t, "client/retry.go"))
		if !strings.Contains(text, told) || !strings.Contains(source, code) {
			t.Errorf("want %q in %s and %q in the code", told, clientFile, code)
		}
	}
}
