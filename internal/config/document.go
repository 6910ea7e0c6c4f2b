package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	yamlLine      = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`(?s)^unknown anchor '(.*)' referenced$`)
	tabIndent     = regexp.MustCompile(`^ *\t`)
)

// document is a file's text and what YAML sees in it.
type document struct {
	text   []byte
	name   string
	root   *yaml.Node // nil: nothing in it, or not YAML
	faults Faults
}

// parseDocument reads one YAML document. Its faults never quote the text: a quote that is open or a line that slipped
// may put a secret anywhere.
func parseDocument(name string, text []byte) document {
	doc := document{text: text, name: name}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	first, err := nextDocument(decoder)
	if err != nil {
		doc.syntaxFault(err)
		return doc
	}
	if first != nil && !isNull(first) {
		doc.root = first
	}
	second, err := nextDocument(decoder)
	switch {
	case err != nil:
		doc.root = nil
		doc.syntaxFault(err)
	case second != nil:
		doc.fault(second.Line, "", "a second document begins here or just before (---); only one is read, unite them")
	}
	return doc
}

// nextDocument returns the content of the next document, or nil at the end.
func nextDocument(decoder *yaml.Decoder) (content *yaml.Node, err error) {
	// The library panics on a few malformed inputs ("please report"); a file must not take the process down.
	defer func() {
		if recover() != nil {
			content, err = nil, errors.New("yaml: the parser gave up")
		}
	}()
	var node yaml.Node
	if err := decoder.Decode(&node); errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // the end of the file is neither a document nor a fault
	} else if err != nil {
		return nil, err
	}
	if len(node.Content) == 0 {
		return &node, nil
	}
	return node.Content[0], nil
}

func (d *document) fault(line int, key, message string) {
	d.faults = append(d.faults, Fault{Where: d.where(line), Line: line, Key: key, Message: message})
}

func (d *document) where(line int) string {
	return d.name + ", line " + strconv.Itoa(line)
}

// syntaxFault turns an error of the parser into a fault with a line. Tabs come first: they are the usual cause, and
// the parser's words for them are dark.
func (d *document) syntaxFault(err error) {
	if line := d.lineOf(tabIndent.Match); line > 0 {
		d.fault(line, "", "a tab in the indentation; YAML wants spaces")
		return
	}
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if found := yamlLine.FindStringSubmatch(message); found != nil {
		message = strings.TrimPrefix(message, found[0])
		line, _ = strconv.Atoi(found[1])
	}
	if found := unknownAnchor.FindStringSubmatch(message); found != nil {
		alias := []byte("*" + found[1])
		line = max(1, d.lineOf(func(text []byte) bool { return bytes.Contains(text, alias) }))
		d.fault(line, "", "not valid YAML: a word that begins with * is an alias; put it in quotes")
		return
	}
	d.fault(line, "", "not valid YAML here or just below; look for a missing quote or bracket, or a wrong "+
		"indentation, and quote text that begins with * & ! % @ or `")
}

// lineOf returns the number of the first line that matches, or 0.
func (d *document) lineOf(matches func([]byte) bool) int {
	line := 0
	for text := range bytes.Lines(d.text) {
		line++
		if matches(text) {
			return line
		}
	}
	return 0
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Tag == "!!null"
}
