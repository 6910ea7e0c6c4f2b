package tree

import (
	"go/ast"
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

// Module is the import path of this module.
const Module = "github.com/edgepurge/edgepurge"

// foreign are the folders whose files are not the module's own.
var foreign = []string{"testdata", "node_modules"}

// Root returns the directory of the module: the nearest one with a go.mod, from the working
// directory up.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("got no directory with a go.mod above the working directory")
		}
		dir = up
	}
}

// Path returns where a file of the module is on this machine.
func Path(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(Root(t), filepath.FromSlash(name))
}

// Read returns what stands in a file.
func Read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Parse reads a Go file, without the objects of its identifiers.
func Parse(t testing.TB, name string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), Path(t, name), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// Files returns the names of the module's files with this extension. Folders whose names begin with
// a dot are left out.
func Files(t testing.TB, ext string) []string {
	t.Helper()
	var names []string
	root := os.DirFS(Root(t))
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(foreign, d.Name())):
			return fs.SkipDir
		case !d.IsDir() && path.Ext(name) == ext:
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Import is one import clause: where it stands, and what it imports.
type Import struct{ Pos, Path string }

// Imports returns for every package of the module what those of its files import that are not
// tests. A package that has only tests is not in it.
func Imports(t testing.TB) map[string][]Import {
	t.Helper()
	tree := make(map[string][]Import)
	for _, name := range Files(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, Read(t, name), parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		clauses := tree[path.Dir(name)]
		if clauses == nil {
			clauses = []Import{}
		}
		for _, clause := range file.Imports {
			imported, err := strconv.Unquote(clause.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			clauses = append(clauses, Import{fset.Position(clause.Pos()).String(), imported})
		}
		tree[path.Dir(name)] = clauses
	}
	if len(tree) < 10 {
		t.Fatalf("got %d packages, want the whole module", len(tree))
	}
	return tree
}
