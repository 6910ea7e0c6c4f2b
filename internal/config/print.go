package config

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Print writes the configuration as YAML that Load reads, every key in the order of the example. Secrets are ***, so
// what is printed can be shown, and is refused as a file where a secret was set.
func (c Config) Print(w io.Writer) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	sections := map[string]*yaml.Node{"": root}
	for _, f := range fields() {
		section, name, nested := strings.Cut(f.Path, ".")
		if !nested {
			section, name = "", f.Path
		}
		if sections[section] == nil {
			sections[section] = &yaml.Node{Kind: yaml.MappingNode}
			root.Content = append(root.Content, scalar(section), sections[section])
		}
		sections[section].Content = append(sections[section].Content, scalar(name), valueNode(f.of(&c)))
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	return nil
}

func valueNode(value reflect.Value) *yaml.Node {
	switch v := value.Interface().(type) {
	case Zones:
		node := &yaml.Node{Kind: yaml.MappingNode}
		for _, host := range slices.Sorted(maps.Keys(v)) {
			node.Content = append(node.Content, scalar(host), scalar(v[host]))
		}
		return node
	case int, float64, bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: format(value)}
	default:
		return scalar(format(value))
	}
}

func scalar(text string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(text)
	return node
}
