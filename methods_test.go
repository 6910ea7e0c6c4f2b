package edgepurge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// maxMethods is how many methods a type may have: one with more has several subjects.
const maxMethods = 40

// overgrown are types that had more when the bound was set, and how many at most by now. A number only ever falls; once a
// type has no more than maxMethods, its line goes.
var overgrown = map[string]int{ //nolint:gochecknoglobals // a table
	"internal/quota.Gate": 45,
	"tracker.Tracker":     58,
}

func TestTypes_HaveNoMoreMethodsThanOneSubjectNeeds(t *testing.T) {
	t.Parallel()
	count := make(map[string]int)
	for _, path := range sources(t) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				count[filepath.ToSlash(filepath.Dir(path))+"."+receiver(f.Recv.List[0].Type)]++
			}
		}
	}
	if len(count) < 100 {
		t.Fatalf("found %d types with methods, want those of the whole module", len(count))
	}
	for name, n := range count {
		limit, known := overgrown[name]
		switch {
		case !known && n > maxMethods:
			t.Errorf("%s has %d methods, want %d at most: give each of its subjects a type of its own", name, n, maxMethods)
		case known && n > limit:
			t.Errorf("%s has %d methods, want no more than the %d that it had", name, n, limit)
		case known && n <= maxMethods:
			t.Errorf("%s has %d methods, as any other: take its line out of overgrown", name, n)
		}
	}
	for name := range overgrown {
		if count[name] == 0 {
			t.Errorf("overgrown names %s, which has no methods", name)
		}
	}
}

// receiver is the name of the type that a method belongs to.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
