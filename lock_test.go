package edgepurge_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// No lock is held while something outside is waited for. Between Lock and Unlock, and in functions that must be called
// with a lock held, nothing is called with a context, nothing is received from or sent to a channel unless a default
// lets it pass, and nothing sleeps, waits or writes to the broker. What a called function does is its own to keep: each
// is looked at in turn, and one that takes no context can wait for nothing outside in this house.
func TestLocks_AreNeverHeldAcrossIO(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	for _, path := range sources(t) {
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			for _, fault := range lockFaults(f) {
				t.Errorf("%s: %s %s while a lock is held", files.Position(fault.pos), f.Name.Name, fault.what)
			}
		}
	}
}

func TestLocks_RefuseWhatTheyShould(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, code, want string }{
		{"deferred", "mu.Lock(); defer mu.Unlock(); ask(ctx)", "calls ask with a context"},
		{"before the unlock", "mu.Lock(); if a { ask(ctx) }; mu.Unlock()", "calls ask with a context"},
		{"after the unlock", "mu.Lock(); mu.Unlock(); ask(ctx)", ""},
		{"unlocked early", "mu.Lock(); if a { mu.Unlock(); ask(ctx); return }; mu.Unlock()", ""},
		{"a closure for later", "mu.Lock(); defer mu.Unlock(); later(func() { ask(ctx) })", ""},
		{"a goroutine", "mu.Lock(); defer mu.Unlock(); go ask(ctx)", ""},
		{"a closure called here", "mu.Lock(); func() { ask(ctx) }(); mu.Unlock()", "calls ask with a context"},
		{"a context of its own", "own, end := context.WithTimeout(a, 1); mu.Lock(); ask(own); mu.Unlock()", "calls ask with a context"},
		{"a receive", "mu.Lock(); <-c; mu.Unlock()", "receives from a channel"},
		{"a select that may wait", "mu.Lock(); select { case <-c: case c <- 1: }; mu.Unlock()", "waits in a select"},
		{"a select that passes", "mu.Lock(); select { case <-c: default: }; mu.Unlock()", ""},
		{"a sleep", "mu.RLock(); time.Sleep(1); mu.RUnlock()", "calls Sleep"},
		{"the error of a context", "mu.Lock(); _ = ctx.Err(); mu.Unlock()", ""},
	}
	for _, tt := range tests {
		src := "package p\nfunc f(ctx context.Context) { " + tt.code + " }"
		file, err := parser.ParseFile(token.NewFileSet(), "p.go", src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if faults := lockFaults(file.Decls[0].(*ast.FuncDecl)); len(faults) > 0 {
			got = faults[0].what
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// sources are the files of the product: no tests, and nothing that only tests use.
func sources(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "e2e" || path != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

type lockFault struct {
	pos  token.Pos
	what string
}

// lockFaults walks one function.
func lockFaults(f *ast.FuncDecl) []lockFault {
	w := &lockWalker{contexts: map[string]bool{}}
	w.params(f.Type)
	held := strings.Contains(strings.Join(strings.Fields(f.Doc.Text()), " "), "called with the lock held")
	w.block(f.Body.List, held)
	return w.faults
}

type lockWalker struct {
	contexts map[string]bool // names of contexts
	faults   []lockFault
}

func (w *lockWalker) params(f *ast.FuncType) {
	for _, field := range f.Params.List {
		if sel, ok := field.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Context" {
			for _, name := range field.Names {
				w.contexts[name.Name] = true
			}
		}
	}
}

// assigned notes a context that a function makes for itself.
func (w *lockWalker) assigned(s *ast.AssignStmt) {
	if len(s.Rhs) != 1 || !strings.HasPrefix(called(s.Rhs[0]), "With") {
		return
	}
	if call, ok := s.Rhs[0].(*ast.CallExpr).Fun.(*ast.SelectorExpr); ok && fmt.Sprint(call.X) == "context" {
		w.contexts[fmt.Sprint(s.Lhs[0])] = true
	}
}

// block walks statements, the first of them with or without a lock held, and returns whether one is at the end.
func (w *lockWalker) block(list []ast.Stmt, held bool) bool {
	for _, s := range list {
		switch lock, deferred := lockCall(s); {
		case strings.HasSuffix(lock, "Unlock"):
			held = held && deferred
		case lock != "":
			held = true
		default:
			w.statement(s, held)
		}
	}
	return held
}

// lockCall returns Lock, RLock, Unlock or RUnlock for a statement that is no more than that.
func lockCall(s ast.Stmt) (name string, deferred bool) {
	var call ast.Expr
	switch s := s.(type) {
	case *ast.ExprStmt:
		call = s.X
	case *ast.DeferStmt:
		call, deferred = s.Call, true
	}
	if name = called(call); slices.Contains([]string{"Lock", "RLock", "Unlock", "RUnlock"}, name) {
		return name, deferred
	}
	return "", false
}

// called returns the last name of what an expression calls.
func called(e ast.Expr) string {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return ""
	}
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func (w *lockWalker) statement(s ast.Stmt, held bool) {
	switch s := s.(type) {
	case *ast.BlockStmt:
		w.block(s.List, held)
	case *ast.IfStmt:
		w.parts(held, s.Init, s.Cond)
		w.block(s.Body.List, held)
		if s.Else != nil {
			w.statement(s.Else, held)
		}
	case *ast.ForStmt:
		w.parts(held, s.Init, s.Cond, s.Post)
		w.block(s.Body.List, held)
	case *ast.RangeStmt:
		w.parts(held, s.X)
		w.block(s.Body.List, held)
	case *ast.SwitchStmt:
		w.parts(held, s.Init, s.Tag)
		w.clauses(s.Body, held)
	case *ast.TypeSwitchStmt:
		w.parts(held, s.Init, s.Assign)
		w.clauses(s.Body, held)
	case *ast.SelectStmt:
		if held && !passes(s) {
			w.add(s, "waits in a select")
		}
		w.clauses(s.Body, held)
	case *ast.AssignStmt:
		w.assigned(s)
		w.parts(held, s)
	case *ast.GoStmt, *ast.DeferStmt: // runs without the lock, or at the end
		w.parts(false, s)
	default:
		w.parts(held, s)
	}
}

func (w *lockWalker) clauses(body *ast.BlockStmt, held bool) {
	for _, c := range body.List {
		switch c := c.(type) {
		case *ast.CaseClause:
			w.block(c.Body, held)
		case *ast.CommClause:
			w.block(c.Body, held)
		}
	}
}

func passes(s *ast.SelectStmt) bool {
	return slices.ContainsFunc(s.Body.List, func(c ast.Stmt) bool { return c.(*ast.CommClause).Comm == nil })
}

// parts looks at expressions, or statements without a block of their own.
func (w *lockWalker) parts(held bool, nodes ...ast.Node) {
	for _, n := range nodes {
		if n == nil || n == ast.Expr(nil) || n == ast.Stmt(nil) {
			continue
		}
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit: // it takes its own locks, if it is not called here
				w.params(n.Type)
				w.block(n.Body.List, false)
				return false
			case *ast.CallExpr:
				if lit, ok := n.Fun.(*ast.FuncLit); ok {
					w.block(lit.Body.List, held)
				}
				if held {
					w.call(n)
				}
			case *ast.SendStmt:
				if held {
					w.add(n, "sends to a channel")
				}
			case *ast.UnaryExpr:
				if held && n.Op == token.ARROW {
					w.add(n, "receives from a channel")
				}
			}
			return true
		})
	}
}

// waits are functions that wait or write outside without a context.
var waits = []string{ //nolint:gochecknoglobals // a list
	"Sleep", "InProgress", "Nak", "NakLater", "CloseIdleConnections", "Publish", "PublishMsg", "PublishMsgAsync",
	"PublishRequest", "PublishProgress", "Flush", "FlushTimeout", "SubscribeSync", "ChanSubscribe", "Unsubscribe", "Drain",
}

func (w *lockWalker) call(n *ast.CallExpr) {
	name := called(n)
	if slices.Contains(waits, name) {
		w.add(n, "calls "+name)
		return
	}
	for _, arg := range n.Args {
		if id, ok := arg.(*ast.Ident); ok && w.contexts[id.Name] && name != "Cause" && !strings.HasPrefix(name, "With") {
			w.add(n, fmt.Sprintf("calls %s with a context", name))
		}
	}
}

func (w *lockWalker) add(n ast.Node, what string) {
	w.faults = append(w.faults, lockFault{n.Pos(), what})
}
