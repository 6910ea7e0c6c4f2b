package config_test

import (
	"bytes"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/edgepurge/edgepurge/internal/config"
)

const exampleFile = "../../config.example.yaml"

func readExample(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestExample_IsTheDefault(t *testing.T) {
	decoder := yaml.NewDecoder(bytes.NewReader(readExample(t)))
	decoder.KnownFields(true)
	var strict config.Config
	if err := decoder.Decode(&strict); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), strict); diff != "" {
		t.Errorf("differs from Default (-default +example):\n%s", diff)
	}
	if diff := cmp.Diff(config.Default(), load(t, exampleFile)); diff != "" {
		t.Errorf("loaded, it differs from Default (-default +example):\n%s", diff)
	}
}

func TestExample_HoldsEveryKeyInOrder(t *testing.T) {
	values := leaves(t, readExample(t))
	var known []string
	for _, key := range config.Reference() {
		known = append(known, key.Path)
		if got := values[key.Path]; got != key.Default {
			t.Errorf("%s: the example has %q, the reference %q", key.Path, got, key.Default)
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(known)), slices.Sorted(maps.Keys(values))); diff != "" {
		t.Errorf("keys differ (-reference +example):\n%s", diff)
	}
	var out bytes.Buffer
	if err := config.Default().Print(&out); err != nil {
		t.Fatal(err)
	}
	var bare []string
	for line := range strings.Lines(string(readExample(t))) {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "#") {
			bare = append(bare, line)
		}
	}
	if diff := cmp.Diff(out.String(), strings.Join(bare, "")); diff != "" {
		t.Errorf("without comments it is not what Print writes (-print +example):\n%s", diff)
	}
}

func TestExample_EveryKeyHasACommentWithItsVariables(t *testing.T) {
	reference := map[string][]string{}
	for _, key := range config.Reference() {
		reference[key.Path] = key.Variables
	}
	leaf := regexp.MustCompile(`^( *)([a-z_]+):( .*)?\n$`)
	section, comment, found := "", "", 0
	for line := range strings.Lines(string(readExample(t))) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			comment += line
			continue
		}
		parts := leaf.FindStringSubmatch(line)
		switch {
		case parts == nil:
			comment = ""
			continue
		case parts[3] == "":
			section, comment = parts[2]+".", ""
			continue
		}
		path := parts[2]
		if parts[1] != "" {
			path = section + parts[2]
		}
		found++
		if want := "[" + strings.Join(reference[path], ", ") + "]\n"; !strings.HasSuffix(comment, want) {
			t.Errorf("the comment of %s does not end in %s", path, want)
		}
		comment = ""
	}
	if found != len(reference) {
		t.Errorf("got %d keys with comments, want %d", found, len(reference))
	}
}
