package docs_test

import (
	"errors"
	"go/ast"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/tree"
	"github.com/edgepurge/edgepurge/purge"
)

const eventsFile = "docs/events.md"

func TestDocsEvents_ExamplesAreEvents(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t, "docs/schema/event.schema.json")
	snippets := tree.Blocks(t, eventsFile, "json")
	if len(snippets) != 3 {
		t.Fatalf("got %d snippets, want a partial event, a rejected one, and progress", len(snippets))
	}
	var events []purge.Event
	for _, text := range snippets[:2] {
		e, err := purge.DecodeEvent([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := checkSchema(t, schema, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(purge.NewEvent("default", e.Data, e.Time), e); diff != "" {
			t.Errorf("envelope (-want +got):\n%s", diff)
		}
		events = append(events, e)
	}
	for _, f := range events[0].Data.Failures {
		_, err := purge.Canonical(events[0].Data.Type, f.Target)
		if want, ok := errors.AsType[*purge.Reason](err); !ok || f.Code != want.Code || f.Reason != want.Message {
			t.Errorf("%s: got %s, %q; want what package purge says: %v", f.Target, f.Code, f.Reason, err)
		}
	}
	const body = `{"targets":[`
	if !strings.Contains(string(tree.Read(t, eventsFile)), "`"+body+"`") {
		t.Errorf("%s: the text does not show the message %s", eventsFile, body)
	}
	_, err := purge.Decode([]byte(body), "")
	reason, _ := errors.AsType[*purge.Reason](err)
	if diff := cmp.Diff(reason, events[1].Data.Reason); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
	if got, want := events[1].Data.Digest, purge.RawDigest([]byte(body)); got != want {
		t.Errorf("got digest %s, want %s", got, want)
	}
	stored := events[1].Data.Times.Received
	if got, want := events[1].Data.Request, purge.GeneratedID(stored, 4711); got != want {
		t.Errorf("got id %s, want %s", got, want)
	}
}

func TestDocsEvents_ExampleOfProgress(t *testing.T) {
	t.Parallel()
	snippets := tree.Blocks(t, eventsFile, "json")
	e, err := purge.DecodeProgressEvent([]byte(snippets[len(snippets)-1]))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(purge.NewProgressEvent("default", e.Data, e.Time), e); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	var got []string
	for _, row := range tree.Table(t, eventsFile, "fields") {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[0], -1) {
			got = append(got, m[1])
		}
	}
	want := dataFields(reflect.TypeFor[purge.Progress](), "")
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-code +table):\n%s", diff)
	}
}

// A table that names each constant of a kind, and nothing else.
func TestDocsEvents_TablesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	for title, want := range map[string][]string{
		"status": constants(t, "purge/outcome.go", "", "Status"),
		"code":   constants(t, "purge/reason.go", "Code", ""),
		"header": deadHeaders(t),
		"field":  dataFields(reflect.TypeFor[purge.Outcome](), ""),
	} {
		var got []string
		quoted := regexp.MustCompile("`([^`]+)`")
		for _, row := range tree.Table(t, eventsFile, title) {
			for _, m := range quoted.FindAllStringSubmatch(row[0], -1) {
				got = append(got, m[1])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) < 5 {
			t.Errorf("%s (-code +table):\n%s", title, diff)
		}
	}
}

// constants gives the strings of a file's constants whose names begin so, of the type; without one,
// of none.
func constants(t *testing.T, file, begin, typ string) []string {
	t.Helper()
	parsed := tree.Parse(t, file)
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, begin) || len(spec.Values) != 1 {
			return true
		}
		of, _ := spec.Type.(*ast.Ident)
		literal, isLiteral := spec.Values[0].(*ast.BasicLit)
		if isLiteral && literal.Kind == token.STRING && (of == nil) == (typ == "") && (of == nil || of.Name == typ) {
			if value, err := strconv.Unquote(literal.Value); err == nil {
				values = append(values, value)
			}
		}
		return true
	})
	return values
}

// deadHeaders are those that the broker sets on a dead letter.
func deadHeaders(t *testing.T) []string {
	t.Helper()
	set := regexp.MustCompile(`Header\.Set\("([^"]+)"`)
	var names []string
	for _, m := range set.FindAllStringSubmatch(string(tree.Read(t, "internal/broker/dead.go")), -1) {
		names = append(names, m[1])
	}
	return names
}

// dataFields gives the fields of an event's data by their paths.
func dataFields(typ reflect.Type, at string) []string {
	var paths []string
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		name = at + name
		inner := f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Time]() {
			paths = append(paths, dataFields(inner, name+".")...)
			continue
		}
		paths = append(paths, name)
	}
	return paths
}

func TestDocsEvents_SubjectsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	subjects := purge.Subjects{Prefix: "purge"}
	text := string(tree.Read(t, eventsFile))
	for _, want := range []string{
		subjects.Event("<source>", "<status>", "<request id>"),
		subjects.Dead(purge.CodeUnknownField, "ghost"),
		subjects.Dead(purge.CodeIDReused, "ghost"),
		"'" + subjects.EventOf("ghost", "post-4711-r3") + "'",
		"nats sub 'purge.events.ghost.>'",
		"'purge.dead.*.ghost'",
		purge.EventContentType,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s: got no %q", eventsFile, want)
		}
	}
	streams := regexp.MustCompile(`PURGE_[A-Z]+`).FindAllString(text, -1)
	slices.Sort(streams)
	want := []string{subjects.Stream("DEAD"), subjects.Stream("EVENTS")}
	if got := slices.Compact(streams); !slices.Equal(got, want) {
		t.Errorf("got streams %v, want %v", got, want)
	}
}
