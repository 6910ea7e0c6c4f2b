package edgepurge_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the import path of this tree.
const module = "github.com/edgepurge/edgepurge"

// How long a file may be. A longer one holds two nouns, and wants to be two files.
const (
	maxLines     = 400
	maxTestLines = 600
)

func TestFiles_AreShort(t *testing.T) {
	t.Parallel()
	for _, name := range files(t, ".go") {
		limit := maxLines
		if strings.HasSuffix(name, "_test.go") {
			limit = maxTestLines
		}
		if got := bytes.Count(read(t, name), []byte("\n")); got > limit {
			t.Errorf("%s: got %d lines, want at most %d", name, got, limit)
		}
	}
}

// foreign are the folders whose files are not the module's own.
var foreign = []string{"testdata", "node_modules"}

// edge is one import clause.
type edge struct{ pos, path string }

// imports gives for every package of the module what those of its files import that are not tests. A package that has
// only tests is not in it.
func imports(t *testing.T) map[string][]edge {
	t.Helper()
	tree := make(map[string][]edge)
	for _, name := range files(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		edges := tree[path.Dir(name)]
		if edges == nil {
			edges = []edge{}
		}
		for _, clause := range file.Imports {
			imported, err := strconv.Unquote(clause.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			edges = append(edges, edge{fset.Position(clause.Pos()).String(), imported})
		}
		tree[path.Dir(name)] = edges
	}
	if len(tree) < 10 {
		t.Fatalf("got %d packages, want the whole module", len(tree))
	}
	return tree
}

// files gives the slash-separated names of the module's files with this extension.
func files(t *testing.T, ext string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(foreign, d.Name())):
			return filepath.SkipDir
		case !d.IsDir() && filepath.Ext(name) == ext:
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
