package purge_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/edgepurge/edgepurge/purge"
)

const (
	requestSchema = "request.schema.json"
	eventSchema   = "event.schema.json"
)

func schemaFile(name string) string { return filepath.Join("..", "docs", "schema", name) }

// compile reads a schema, and holds it against the draft that it names. Formats are checked, not only noted.
func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(schemaFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// judge says what the schema has against a document; nil is nothing.
func judge(t interface{ Fatalf(string, ...any) }, schema *jsonschema.Schema, doc []byte) error {
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return schema.Validate(instance)
}

// The types and the schemas name the same fields, of the same kinds, and the same of them may be absent.
func TestSchema_HasTheFieldsOfTheTypes(t *testing.T) {
	for name, typ := range map[string]reflect.Type{
		requestSchema: reflect.TypeFor[purge.Request](),
		eventSchema:   reflect.TypeFor[purge.Event](),
	} {
		data, err := os.ReadFile(schemaFile(name))
		if err != nil {
			t.Fatal(err)
		}
		var root node
		if err := json.Unmarshal(data, &root); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := comparison{t: t, root: &root}
		c.object(name, &root, typ)
		if c.fields < 11 {
			t.Errorf("%s: got %d fields compared, want those of %v", name, c.fields, typ)
		}
	}
}

// node is as much of a schema as the comparison looks at.
type node struct {
	Ref        string          `json:"$ref"`
	Type       any             `json:"type"` // a word or several
	Format     string          `json:"format"`
	Const      any             `json:"const"`
	Enum       []any           `json:"enum"`
	Properties map[string]node `json:"properties"`
	Required   []string        `json:"required"`
	Items      *node           `json:"items"`
	Additional json.RawMessage `json:"additionalProperties"`
	Defs       map[string]node `json:"$defs"`
}

type comparison struct {
	t      *testing.T
	root   *node
	fields int
}

// object holds a schema of an object against a struct.
func (c *comparison) object(at string, n *node, typ reflect.Type) {
	var names, required []string
	for _, f := range reflect.VisibleFields(typ) {
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" { // no field of the message
			continue
		}
		names = append(names, name)
		if option == "" {
			required = append(required, name)
		}
		property, ok := n.Properties[name]
		if !ok {
			c.t.Errorf("%s: the schema lacks %s, which %v has", at, name, typ)
			continue
		}
		c.fields++
		c.value(at+"."+name, &property, f.Type)
	}
	for name := range n.Properties {
		if !slices.Contains(names, name) {
			c.t.Errorf("%s: the schema has %s, which %v has not", at, name, typ)
		}
	}
	slices.Sort(required)
	slices.Sort(n.Required)
	if !slices.Equal(required, n.Required) {
		c.t.Errorf("%s: got %v required, want %v, which are always there", at, n.Required, required)
	}
}

// value holds a schema against a type.
func (c *comparison) value(at string, n *node, typ reflect.Type) {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		def := c.root.Defs[name]
		n = &def
	}
	want := "string"
	switch {
	case typ == reflect.TypeFor[time.Time]():
		if n.Format != "date-time" {
			c.t.Errorf("%s: got format %q, want date-time", at, n.Format)
		}
	case typ.Kind() == reflect.Bool:
		want = "boolean"
	case typ.Kind() == reflect.Int:
		want = "integer"
	case typ.Kind() == reflect.Slice:
		want = "array"
		if n.Items == nil {
			c.t.Errorf("%s: got no items, want %v", at, typ.Elem())
			break
		}
		c.value(at+"[]", n.Items, typ.Elem())
	case typ.Kind() == reflect.Map:
		want = "object"
		var element node
		if err := json.Unmarshal(n.Additional, &element); err != nil {
			c.t.Errorf("%s: additionalProperties: %v", at, err)
			break
		}
		c.value(at+".*", &element, typ.Elem())
	case typ.Kind() == reflect.Struct:
		want = "object"
		c.object(at, n, typ)
	}
	if got := n.kinds(); !slices.Equal(got, []string{want}) {
		c.t.Errorf("%s: got %v, want %s", at, got, want)
	}
}

// kinds are the types of JSON that the schema lets through, but for null.
func (n *node) kinds() []string {
	var words []string
	add := func(word string) {
		if word != "null" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	switch typ := n.Type.(type) {
	case string:
		add(typ)
	case []any:
		for _, word := range typ {
			if word, ok := word.(string); ok {
				add(word)
			}
		}
	}
	for _, value := range append(n.Enum, n.Const) {
		switch value.(type) {
		case nil:
		case string:
			add("string")
		default:
			add("another")
		}
	}
	return words
}

// The closed one is the request's: an unknown field there is a mistake. Events may grow.
func TestSchema_IsOpenForEventsOnly(t *testing.T) {
	const more = `,"new":1}`
	request := []byte(`{"targets":["a"]` + more)
	if err := judge(t, compile(t, requestSchema), request); err == nil {
		t.Errorf("%s: got no error, want one", request)
	}
	event, err := purge.NewEvent("default", partialOutcome(), changed).Encode()
	if err != nil {
		t.Fatal(err)
	}
	event = append(bytes.TrimSuffix(event, []byte("}")), more...)
	if err := judge(t, compile(t, eventSchema), event); err != nil {
		t.Errorf("%s: got %v, want no error", event, err)
	}
}
