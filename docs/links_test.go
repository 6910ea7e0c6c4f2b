package docs_test

import (
	"go/ast"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/tree"
)

var (
	link = regexp.MustCompile(`\[([^\]\n]+)\]\(([^)\s]+)\)`)
	// stream is the name of one, and streamCode where the broker makes it.
	stream     = regexp.MustCompile(`\bPURGE_([A-Z]+)\b`)
	streamCode = regexp.MustCompile(`d\.name\("([A-Z]+)"\)`)
)

func TestDocs_LinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	n := 0
	for _, file := range tree.Files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(string(tree.Read(t, file)), -1) {
			if strings.Contains(m[2], "://") {
				continue
			}
			n++
			name, heading, _ := strings.Cut(m[2], "#")
			target := path.Join(path.Dir(file), name)
			if name == "" {
				target = file
			}
			if _, err := os.Stat(tree.Path(t, target)); err != nil {
				t.Errorf("%s: [%s] leads to %s, which is not there", file, m[1], m[2])
			} else if heading != "" && !slices.Contains(headings(t, target), heading) {
				t.Errorf("%s: [%s] leads to %s, which has no such heading", file, m[1], m[2])
			}
		}
	}
	if n < 20 {
		t.Errorf("got %d links, want those of all documents", n)
	}
}

// headings gives what the headings of a document are linked by.
func headings(t *testing.T, file string) []string {
	t.Helper()
	line := regexp.MustCompile(`(?m)^#+ (.+)$`)
	odd := regexp.MustCompile(`[^a-z0-9 _-]`)
	var all []string
	for _, m := range line.FindAllStringSubmatch(string(tree.Read(t, file)), -1) {
		all = append(all, strings.ReplaceAll(odd.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

// A name in backquotes that links to a Go file is declared there: "Type.Method", or the name alone.
func TestDocs_NamesAreDeclaredWhereTheyLink(t *testing.T) {
	t.Parallel()
	n := 0
	for _, file := range tree.Files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(string(tree.Read(t, file)), -1) {
			name, quoted := strings.CutPrefix(m[1], "`")
			target := path.Join(path.Dir(file), m[2])
			if !quoted || path.Ext(target) != ".go" || path.Base(target) == "doc.go" {
				continue
			}
			n++
			name = strings.TrimSuffix(name, "`")
			if path.Ext(name) == ".go" {
				if name != path.Base(target) {
					t.Errorf("%s: %s leads to %s", file, name, target)
				}
				continue
			}
			if !slices.Contains(declared(t, target), name) {
				t.Errorf("%s: %s does not declare %s", file, target, name)
			}
		}
	}
	if n < 20 {
		t.Errorf("got %d names, want those of docs/invariants.md", n)
	}
}

// declared gives the names of a file's functions, methods, types, constants and variables.
func declared(t *testing.T, file string) []string {
	t.Helper()
	parsed := tree.Parse(t, file)
	var names []string
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names = append(names, receiver(d)+d.Name.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// receiver is "Type." for a method, however it takes it.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

func TestDocs_InvariantsAreThoseThatCodeCites(t *testing.T) {
	t.Parallel()
	heading := regexp.MustCompile(`(?m)^## (I[0-9]+) `)
	var told []string
	for _, m := range heading.FindAllStringSubmatch(string(tree.Read(t, "docs/invariants.md")), -1) {
		told = append(told, m[1])
	}
	cited := regexp.MustCompile(`\bI[0-9]\b`)
	for _, file := range append(tree.Files(t, ".go"), tree.Files(t, ".md")...) {
		for _, id := range cited.FindAllString(string(tree.Read(t, file)), -1) {
			if !slices.Contains(told, id) {
				t.Errorf("%s: cites %s, which docs/invariants.md does not have", file, id)
			}
		}
	}
	if len(told) != 8 {
		t.Errorf("got %v, want I1 to I8", told)
	}
}

func TestDocs_NameTheStreamsThatThereAre(t *testing.T) {
	t.Parallel()
	var there []string
	for _, m := range streamCode.FindAllStringSubmatch(string(tree.Read(t, "internal/broker/definitions.go")), -1) {
		there = append(there, m[1])
	}
	readme := string(tree.Read(t, "README.md"))
	for _, name := range there {
		if !strings.Contains(readme, "| `PURGE_"+name+"` |") {
			t.Errorf("README.md: the table of streams lacks PURGE_%s", name)
		}
	}
	for _, file := range tree.Files(t, ".md") {
		for _, m := range stream.FindAllStringSubmatch(string(tree.Read(t, file)), -1) {
			if !slices.Contains(there, m[1]) {
				t.Errorf("%s: there is no stream %s", file, m[0])
			}
		}
	}
}
