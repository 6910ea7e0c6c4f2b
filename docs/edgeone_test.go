package docs_test

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/tree"
	"github.com/edgepurge/edgepurge/purge"
)

const edgeoneFile = "docs/edgeone.md"

func TestDocsEdgeOne_CodesHaveTheirClasses(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile("^`([^`]+)`")
	var told []string
	for _, row := range tree.Table(t, edgeoneFile, "code") {
		m := code.FindStringSubmatch(row[0])
		if m == nil {
			t.Errorf("%v: got no code", row)
			continue
		}
		told = append(told, m[1])
		if got := edgeone.Classify(&edgeone.Error{Code: m[1]}).String(); got != tree.Unquote(row[1]) {
			t.Errorf("%s: got class %s, the table says %s", m[1], got, row[1])
		}
	}
	known := knownCodes(t)
	for _, want := range known {
		if !slices.Contains(told, want) {
			t.Errorf("%s: lacks the code %s", edgeoneFile, want)
		}
	}
	for i, got := range told {
		if !slices.Contains(known, got) && got != "RequestLimitExceeded" {
			t.Errorf("%s: %s is in no table of the code", edgeoneFile, got)
		}
		if slices.Contains(told[:i], got) {
			t.Errorf("%s: %s is there twice", edgeoneFile, got)
		}
	}
}

// knownCodes are those that the client classifies, and those of the versions.
func knownCodes(t *testing.T) []string {
	t.Helper()
	named := make(map[string]string) // teo.NAME -> code
	for _, version := range []string{"v20220901", "v20220106"} {
		parsed := tree.Parse(t, path.Join("internal/edgeone", version, "errors.go"))
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
				named[spec.Names[0].Name] = literal(spec.Values[0])
			}
			return true
		})
	}
	var codes []string
	for _, code := range named {
		codes = append(codes, code)
	}
	classified := 0
	ast.Inspect(tree.Parse(t, "internal/edgeone/codes.go"), func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		classified++
		if name, ok := pair.Key.(*ast.SelectorExpr); ok {
			codes = append(codes, named[name.Sel.Name])
		} else {
			codes = append(codes, literal(pair.Key))
		}
		return true
	})
	slices.Sort(codes)
	codes = slices.Compact(codes)
	if classified < 30 || slices.Contains(codes, "") {
		t.Fatalf("got %d classified codes, %q; want those of codes.go", classified, codes)
	}
	return codes
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		if value, err := strconv.Unquote(l.Value); err == nil {
			return value
		}
	}
	return ""
}

func TestDocsEdgeOne_ClassesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	var got, want []string
	for _, row := range tree.Table(t, edgeoneFile, "class") {
		got = append(got, tree.Unquote(row[0]))
	}
	for c := edgeone.Done; !strings.HasPrefix(c.String(), "class-"); c++ {
		want = append(want, c.String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got classes %v, want %v", got, want)
	}
}

func TestDocsEdgeOne_SwitchesAreTheEmulators(t *testing.T) {
	t.Parallel()
	var got []string
	for _, row := range tree.Table(t, edgeoneFile, "not known") {
		pair := tree.Unquote(row[1])
		if _, err := emulator.ParseUnknown([]string{pair}); err != nil {
			t.Error(err)
		}
		if name, _, _ := strings.Cut(pair, "="); name == "visible-after" {
			pair = name
		}
		got = append(got, pair)
	}
	want := []string{"visible-after"}
	ast.Inspect(tree.Parse(t, "internal/edgeone/emulator/unknowns.go"), func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if values, ok := pair.Value.(*ast.CompositeLit); ok && literal(pair.Key) != "" {
			for _, value := range values.Elts {
				want = append(want, literal(pair.Key)+"="+literal(value))
			}
		}
		return true
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) < 10 {
		t.Errorf("got switches %v, want %v", got, want)
	}
}

func TestDocsEdgeOne_CeilingsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	text := string(tree.Read(t, edgeoneFile))
	for typ, word := range map[purge.Type]string{
		purge.URL: "URLs", purge.Prefix: "prefixes", purge.Host: "hosts", purge.Tag: "tags",
	} {
		n := edgeone.Ceiling(typ)
		want := strconv.Itoa(n)
		if n >= 1000 {
			want = want[:len(want)-3] + "," + want[len(want)-3:]
		}
		if !strings.Contains(text, want+" "+word) {
			t.Errorf("%s: got no %s %s", edgeoneFile, want, word)
		}
	}
}
