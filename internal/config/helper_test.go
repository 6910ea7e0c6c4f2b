package config_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/edgepurge/edgepurge/internal/config"
)

// variableOf is the rule for the names of our own variables.
func variableOf(path string) string {
	return "EDGEPURGE_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// printed returns what Print writes, by key path.
func printed(t *testing.T, cfg config.Config) map[string]string {
	t.Helper()
	var out bytes.Buffer
	if err := cfg.Print(&out); err != nil {
		t.Fatal(err)
	}
	return leaves(t, out.Bytes())
}

// leaves returns the values of a YAML document by path, zones as in a variable. It shares no code with the package.
func leaves(t *testing.T, document []byte) map[string]string {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	var walk func(node *yaml.Node, path string)
	walk = func(node *yaml.Node, path string) {
		if path == "edgeone.zones" {
			var zones map[string]string
			if err := node.Decode(&zones); err != nil {
				t.Fatal(err)
			}
			var entries []string
			for _, host := range slices.Sorted(maps.Keys(zones)) {
				entries = append(entries, host+"="+zones[host])
			}
			values[path] = strings.Join(entries, ",")
			return
		}
		if node.Kind != yaml.MappingNode {
			values[path] = node.Value
			return
		}
		for i := 0; i < len(node.Content); i += 2 {
			walk(node.Content[i+1], strings.TrimPrefix(path+"."+node.Content[i].Value, "."))
		}
	}
	walk(root.Content[0], "")
	return values
}
