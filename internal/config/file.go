package config

import (
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is the largest file that is read: a thousand times the example, and too small to hurt.
const maxFile = 1 << 20

// keyForm is what an unknown key must look like to be named in a fault: "secret_key:abc" without its blank is a key.
var keyForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,39}$`)

// assignment gives one key its text, or zones for the key that is a map.
type assignment struct {
	field field
	text  string
	zones Zones
	where string
	line  int // in the file
}

// content is what a file says.
type content struct {
	assignments []assignment
	faults      Faults
	bad         []string // paths of keys that are there, but of no use
	broken      bool     // nothing is known about what the file wanted to say
}

// readFile reads the configuration file at path.
func readFile(path string, known []field) content {
	text, err := readBounded(path)
	if err != nil {
		return content{broken: true, faults: Faults{{
			Where:   path,
			Message: "cannot be read: " + bare(err).Error() + "; name another file with --config or " + FileVariable,
		}}}
	}
	if len(text) > maxFile {
		return content{broken: true, faults: Faults{{Where: path, Message: "larger than 1 MiB: not a configuration file"}}}
	}
	return parseFile(path, text, known)
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, maxFile+1))
}

// parseFile walks the document along the known keys. The library's own strict decoding is not used: its messages quote
// values, name Go types, and let fractions into whole numbers. A scalar is kept as text and read as a variable is.
func parseFile(name string, text []byte, known []field) content {
	w := walker{document: parseDocument(name, text), fields: map[string]field{}, sections: map[string]bool{"": true}}
	for _, f := range known {
		w.fields[f.Path] = f
		w.paths = append(w.paths, f.Path)
		if section, _, found := strings.Cut(f.Path, "."); found && !w.sections[section] {
			w.sections[section] = true
			w.topics = append(w.topics, section)
		}
	}
	broken := w.root == nil && len(w.faults) > 0
	if w.root != nil {
		w.section(w.root, "")
	}
	return content{assignments: w.assignments, faults: w.faults, bad: w.bad, broken: broken}
}

type walker struct {
	document
	fields      map[string]field
	sections    map[string]bool
	paths       []string // of all keys
	topics      []string // the sections
	assignments []assignment
	bad         []string
}

// section walks the keys below path; "" is the top.
func (w *walker) section(node *yaml.Node, path string) {
	switch {
	case isNull(node):
		w.fault(node.Line, path, "nothing stands below it; write a key, or delete the line")
		return
	case node.Kind != yaml.MappingNode:
		w.fault(node.Line, path, "wants keys with values (key: value) here")
		return
	}
	w.entries(node, path, func(key, value *yaml.Node) {
		name := join(path, key.Value)
		if f, found := w.fields[name]; found {
			w.leaf(f, value)
			return
		}
		if w.sections[name] {
			w.section(value, name)
			return
		}
		w.unknown(node, key, value, path)
	})
}

// entries calls each for the keys of a mapping that are plain and not repeated.
func (w *walker) entries(node *yaml.Node, path string, each func(key, value *yaml.Node)) {
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" || key.Style&yaml.TaggedStyle != 0 {
			w.fault(key.Line, path, "a key must be plain text; aliases, merges and tags are not supported")
			continue
		}
		if first, twice := lines[key.Value]; twice {
			w.fault(key.Line, w.known(path, key.Value), "given twice, first on line "+strconv.Itoa(first)+"; keep one")
			continue
		}
		lines[key.Value] = key.Line
		each(key, value)
	}
}

// known returns the path of a key if it is one of ours, else that of its section.
func (w *walker) known(section, key string) string {
	path := join(section, key)
	if _, leaf := w.fields[path]; leaf || w.sections[path] {
		return path
	}
	return section
}

func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + "." + key
}

func (w *walker) unknown(parent, key, value *yaml.Node, path string) {
	// In braces, what follows a comma is a key: it may be the second half of a password.
	split := parent.Style&yaml.FlowStyle != 0 && isNull(value)
	if split || !keyForm.MatchString(key.Value) {
		w.fault(key.Line, path, "unknown key; keys are words with a colon and a blank behind them, "+
			"and text with commas needs quotes")
		return
	}
	name := join(path, key.Value)
	if path == "" {
		w.fault(key.Line, name, "unknown key"+slip(name, append(w.topics, w.paths...), "."))
		return
	}
	w.fault(key.Line, name, "unknown key"+suggestion(name, w.paths, "."))
}

func (w *walker) leaf(f field, node *yaml.Node) {
	problem := ""
	switch {
	case node.Kind == yaml.AliasNode || node.Style&yaml.TaggedStyle != 0:
		problem = "aliases and tags are not supported; write the value, in quotes where it begins with * or !"
	case isNull(node):
		problem = "has no value; write one, or delete the line for the default"
	case f.kind == reflect.TypeFor[Zones]():
		w.zones(f, node)
		return
	case node.Kind != yaml.ScalarNode:
		problem = "wants a single " + f.Type + ", not a list or keys"
	}
	if problem != "" {
		w.refuse(f, node, problem)
		return
	}
	w.assign(node, assignment{field: f, text: node.Value})
}

func (w *walker) zones(f field, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		w.refuse(f, node, "wants hosts with their zones (www.example.com: zone-…), or {} for none")
		return
	}
	zones := Zones{}
	w.entries(node, f.Path, func(key, value *yaml.Node) {
		if value.Kind != yaml.ScalarNode || isNull(value) || value.Style&yaml.TaggedStyle != 0 {
			w.refuse(f, value, "host "+show(key.Value)+" wants a zone id (zone-…)")
			return
		}
		zones[key.Value] = value.Value
	})
	w.assign(node, assignment{field: f, zones: zones})
}

func (w *walker) assign(node *yaml.Node, a assignment) {
	a.where, a.line = w.where(node.Line), node.Line
	w.assignments = append(w.assignments, a)
}

func (w *walker) refuse(f field, node *yaml.Node, message string) {
	w.fault(node.Line, f.Path, message)
	w.bad = append(w.bad, f.Path)
}
