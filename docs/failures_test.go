package docs_test

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/tree"
)

const (
	failuresFile   = "docs/failures.md"
	invariantsFile = "docs/invariants.md"
)

// testName is a test in backquotes, with the file that it is linked to.
var testName = regexp.MustCompile("(\\[?)`(Test[A-Za-z0-9_]+)`(?:\\]\\(([^)\\s]+)\\))?")

// linkedTests gives the tests that a text names, which must all be there in the files that they
// link to.
func linkedTests(t *testing.T, file, text string) []string {
	t.Helper()
	var names []string
	for _, m := range testName.FindAllStringSubmatch(text, -1) {
		name, target := m[2], path.Join(path.Dir(file), m[3])
		switch {
		case m[1] == "" || m[3] == "":
			t.Errorf("%s: %s is not linked to its file", file, name)
		case !slices.Contains(testsOf(t, target), name):
			t.Errorf("%s: %s has no test %s", file, target, name)
		}
		names = append(names, name)
	}
	return names
}

// testsOf gives the tests of a file.
func testsOf(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	for _, d := range tree.Parse(t, file).Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
			names = append(names, f.Name.Name)
		}
	}
	return names
}

func TestDocsFailures_EachHasItsTest(t *testing.T) {
	t.Parallel()
	const prefix = "TestFailure_"
	var told []string
	rows := tree.Table(t, failuresFile, "what happens")
	for _, row := range rows {
		if len(row) != 3 {
			t.Errorf("%s: %d cells in the row of %q, want 3", failuresFile, len(row), row[0])
			continue
		}
		own := 0
		for _, name := range linkedTests(t, failuresFile, row[2]) {
			if strings.HasPrefix(name, prefix) {
				own++
			}
			told = append(told, name)
		}
		if own == 0 {
			t.Errorf("%s: %q has no test whose name begins with %s", failuresFile, row[0], prefix)
		}
	}
	if len(rows) < 18 {
		t.Errorf("%s: %d rows, want those of all failures", failuresFile, len(rows))
	}
	for _, file := range tree.Files(t, ".go") {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, name := range testsOf(t, file) {
			if strings.HasPrefix(name, prefix) && !slices.Contains(told, name) {
				t.Errorf("%s: lacks %s of %s", failuresFile, name, file)
			}
		}
	}
}

func TestDocsInvariants_EachHasItsTests(t *testing.T) {
	t.Parallel()
	sections := strings.Split(string(tree.Read(t, invariantsFile)), "\n## ")[1:]
	for _, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		_, tests, _ := strings.Cut(section, "\nTests:")
		if len(linkedTests(t, invariantsFile, tests)) == 0 {
			t.Errorf("%s: %q links to no test", invariantsFile, title)
		}
		for _, m := range link.FindAllStringSubmatch(tests, -1) {
			if target := m[2]; !strings.HasPrefix(m[1], "`Test") && (path.Ext(target) == "" || strings.HasSuffix(target, "_test.go")) {
				t.Errorf("%s: %q links to %s, want the tests by their names", invariantsFile, title, target)
			}
		}
	}
}
