package docs_test

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/tree"
	"github.com/edgepurge/edgepurge/purge"
)

const requestsFile = "docs/requests.md"

// refusedLine stands before an example that is refused, and says how.
var refusedLine = regexp.MustCompile("^Refused, `(\\w+)`(?: at `([^`]+)`)?(, which a schema can't say)?:$")

// example is a block of JSON with the last line of text before it.
type example struct{ before, text string }

func examples(t *testing.T, file string) []example {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^(\\S[^\n]*)\n+```json\n(.*?)^```$")
	var all []example
	for _, m := range fence.FindAllStringSubmatch(string(tree.Read(t, file)), -1) {
		all = append(all, example{m[1], m[2]})
	}
	if n := len(tree.Blocks(t, file, "json")); n != len(all) {
		t.Fatalf("%s: got %d examples with text before them, want all %d", file, len(all), n)
	}
	return all
}

func TestDocsRequests_ExamplesAreWhatTheTextSays(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t, "docs/schema/request.schema.json")
	taken, refused := 0, 0
	for _, e := range examples(t, requestsFile) {
		_, err := purge.Decode([]byte(e.text), "")
		verdict := checkSchema(t, schema, requestOf(t, e.text))
		m := refusedLine.FindStringSubmatch(e.before)
		if m == nil {
			taken++
			if err != nil || verdict != nil {
				t.Errorf("%s: Decode says %v, the schema %v, want no error", e.text, err, verdict)
			}
			continue
		}
		refused++
		if got, ok := errors.AsType[*purge.Reason](err); !ok || got.Code != m[1] || got.Field != m[2] {
			t.Errorf("%s: got %v, want %s at %q", e.text, err, m[1], m[2])
		}
		if said := verdict != nil; said == (m[3] != "") {
			t.Errorf("%s: got an error of the schema: %t, the text says otherwise", e.text, said)
		}
	}
	if taken < 8 || refused < 15 {
		t.Errorf("got %d examples taken, %d refused, want those of the document", taken, refused)
	}
}

func TestDocsRequests_NameEveryField(t *testing.T) {
	t.Parallel()
	var got []string
	for _, row := range tree.Table(t, requestsFile, "field") {
		got = append(got, strings.Trim(row[0], "`"))
	}
	var want []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[purge.Request]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "-" { // no field of the message
			want = append(want, name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got fields %v, want %v", got, want)
	}
}

func TestDocsRequests_TypesGoWithWhatTheTableSays(t *testing.T) {
	t.Parallel()
	want := []purge.Type{purge.URL, purge.Prefix, purge.Host, purge.Tag, purge.All}
	rows := tree.Table(t, requestsFile, "type")
	if len(rows) != len(want) {
		t.Fatalf("got %d types, want %v", len(rows), want)
	}
	for i, row := range rows {
		for j, more := range []string{"", "", "", `,"method":"delete"`, `,"hosts":["a"]`} {
			if j == 2 { // what a target is, in words
				continue
			}
			name := strings.Trim(row[min(j, 1)], "`")
			targets := `,"targets":["a"]`
			if want[i] == purge.All {
				targets = ""
			}
			body := fmt.Sprintf(`{"type":%q%s%s}`, name, targets, more)
			r, err := purge.Decode([]byte(body), "")
			if r.Type != want[i] || (err == nil) != (j < 2 || row[j] == "yes") {
				t.Errorf("%s: got type %s, %v, and the table says %q", body, r.Type, err, row[j])
			}
		}
	}
}

func TestDocsRequests_CanonicalFormsAreThose(t *testing.T) {
	t.Parallel()
	rows := tree.Table(t, requestsFile, "as written")
	for _, row := range rows {
		written, kind, want := strings.Trim(row[0], "`"), tree.Unquote(row[1]), tree.Unquote(row[2])
		if got, err := purge.Canonical(purge.Type(kind), written); err != nil || got != want {
			t.Errorf("%s %s: got %s, %v, want %s", kind, written, got, err, want)
		}
	}
	bad := tree.Table(t, requestsFile, "not valid")
	for _, row := range bad {
		written, kind := tree.Unquote(row[0]), tree.Unquote(row[1])
		got, err := purge.Canonical(purge.Type(kind), written)
		if reason, ok := errors.AsType[*purge.Reason](err); !ok || reason.Message != row[2] {
			t.Errorf("%s %s: got %s, %v, want %q", kind, written, got, err, row[2])
		}
	}
	if len(rows) < 8 || len(bad) < 8 {
		t.Errorf("got %d forms and %d faults, want those of the document", len(rows), len(bad))
	}
}

func TestDocsRequests_IDsComeFromWhereTheTableSays(t *testing.T) {
	t.Parallel()
	generated := purge.GeneratedID(time.Date(2026, 11, 22, 10, 0, 0, 214e6, time.UTC), 4711)
	rows := tree.Table(t, requestsFile, "field `id`")
	for _, row := range rows {
		body := `{"targets":["a"]}`
		if row[0] != "–" {
			body = fmt.Sprintf(`{"targets":["a"],"id":%q}`, tree.Unquote(row[0]))
		}
		var header purge.EventHeader
		if row[2] != "–" {
			header = purge.EventHeader{SpecVersion: "1.0", ID: tree.Unquote(row[2])}
			if row[1] != "–" {
				header.Source = tree.Unquote(row[1])
			}
		}
		msgID := ""
		if row[3] != "–" {
			msgID = tree.Unquote(row[3])
		}
		r, err := purge.DecodeMessage([]byte(body), "", header)
		if err != nil {
			t.Fatal(err)
		}
		structured := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"data":%s}`, header.ID, header.Source, body)
		if other, err := purge.Decode([]byte(structured), ""); err != nil || !reflect.DeepEqual(r, other) {
			t.Errorf("%v: got %+v in binary mode, %+v, %v in structured mode", row, r, other, err)
		}
		want, made := strings.CutPrefix(row[4], "made, such as ")
		got := purge.PickID(r, "ghost", msgID)
		if made && got == "" {
			got = generated
		}
		if got != tree.Unquote(want) {
			t.Errorf("%v: got %s", row, got)
		}
	}
	if len(rows) < 5 {
		t.Errorf("got %d rows, want those of the document", len(rows))
	}
}

func TestDocsRequests_SubjectsAreStoredAsTheTableSays(t *testing.T) {
	t.Parallel()
	// What the stream takes, see requestStream in internal/broker.
	stored := regexp.MustCompile(`^purge\.requests\.(interactive|bulk)\.[^.]+$`)
	rows := tree.Table(t, requestsFile, "subject")
	for _, row := range rows {
		subject := tree.Unquote(row[0])
		if got := stored.MatchString(subject); got != (row[1] == "yes") {
			t.Errorf("%s: got stored %t, the table says %q", subject, got, row[1])
		}
		_, _, ok := (purge.Subjects{Prefix: "purge"}).ParseRequest(subject)
		if want := row[2] == "fine"; ok != want {
			t.Errorf("%s: got valid %t, want %t", subject, ok, want)
		}
	}
	if len(rows) < 5 {
		t.Errorf("got %d subjects, want those of the document", len(rows))
	}
}

func TestDocsRequests_LinesPublishValidRequests(t *testing.T) {
	t.Parallel()
	pub := regexp.MustCompile(`(?m)^nats pub -J (?:-H 'ce-\S+' )*(?:-H 'Nats-Msg-Id:(\S+)' )?(\S+) '(.+)'$`)
	found := pub.FindAllStringSubmatch(string(tree.Read(t, requestsFile)), -1)
	if len(found) < 2 {
		t.Errorf("got %d lines with nats pub, want those of the document", len(found))
	}
	for _, m := range found {
		_, source, ok := (purge.Subjects{Prefix: "purge"}).ParseRequest(m[2])
		if !ok {
			t.Errorf("%s: not a subject of requests", m[2])
		}
		r, err := purge.Decode([]byte(m[3]), "")
		if err != nil {
			t.Errorf("%s: %v", m[3], err)
		}
		if m[1] != "" && purge.PickID(r, source, m[1]) == "" {
			t.Errorf("%s: gives no id to a request of %s", m[1], source)
		}
	}
}
