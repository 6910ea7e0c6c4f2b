package docs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/edgepurge/edgepurge/internal/tree"
)

// compileSchema reads a schema; formats are checked, not only noted. That the schemas are those of
// the types, package purge tests.
func compileSchema(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(tree.Path(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func checkSchema(t *testing.T, schema *jsonschema.Schema, doc string) error {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return schema.Validate(instance)
}

// requestOf gives what the schema of requests is for: the data of a CloudEvents message, any other
// message as it is. An envelope that can't be read stays, and is no request.
func requestOf(t *testing.T, message string) string {
	t.Helper()
	var envelope struct {
		SpecVersion string
		Data        json.RawMessage
	}
	if err := json.Unmarshal([]byte(message), &envelope); err != nil {
		t.Fatalf("%s: %v", message, err)
	}
	if envelope.SpecVersion == "1.0" && envelope.Data != nil {
		return string(envelope.Data)
	}
	return message
}
