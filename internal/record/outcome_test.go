package record_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestPair_FindsSpellings(t *testing.T) {
	const host = "https://www.example.com"
	for _, tt := range []struct {
		name        string
		typ         purge.Type
		sent, names []string
		want        []int
	}{
		{"as sent", purge.URL, []string{host + "/a", host + "/b"}, []string{host + "/b", host + "/a"}, []int{1, 0}},
		{"digits of an escape", purge.URL, []string{host + "/%c3%a9"}, []string{host + "/%C3%A9"}, []int{0}},
		{"decoded", purge.URL, []string{host + "/caf%C3%A9%20x"}, []string{host + "/café x"}, []int{0}},
		{"a slash decoded", purge.URL, []string{host + "/a%2Fb"}, []string{host + "/a/b"}, []int{0}},
		{"the host's case, port and root", purge.URL, []string{host + "/a"}, []string{"https://WWW.example.com.:443/a"}, []int{0}},
		{"a host in Unicode", purge.Host, []string{"xn--bcher-kva.example"}, []string{"bücher.example."}, []int{0}},
		{"a slash at the end", purge.Prefix, []string{host + "/dir/"}, []string{host + "/dir"}, []int{0}},
		{"two that share a form", purge.URL, []string{host + "/%c3", host + "/%C3"}, []string{host + "/%C3"}, []int{1}},
		{"two of a form, by neither's spelling", purge.URL, []string{host + "/%7e", host + "/%7E"}, []string{host + "/~"}, []int{-1}},
		{"two of a form, the other's name missing", purge.URL, []string{host + "/a", host + "/a/"}, []string{"HTTPS://www.example.com/a"}, []int{0}},
		{"two names of one target", purge.URL, []string{host + "/%c3"}, []string{host + "/%C3", "https://WWW.example.com/%C3"}, []int{-1, -1}},
		{"a name twice", purge.URL, []string{host + "/a", host + "/b"}, []string{host + "/a", host + "/a"}, []int{0, -1}},
		{"tags have one spelling", purge.Tag, []string{"Sport"}, []string{"sport"}, []int{-1}},
		{"http is not https", purge.URL, []string{host + "/a"}, []string{"http://www.example.com/a"}, []int{-1}},
		{"another target", purge.URL, []string{host + "/a"}, []string{host + "/b"}, []int{-1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, record.Pair(tt.typ, tt.sent, tt.names)); diff != "" {
				t.Errorf("targets of the names (-want +got):\n%s", diff)
			}
		})
	}
}

var (
	rest    = record.Result{Code: "none"}
	timeout = record.Result{Code: "timeout"}
	bad     = record.Result{Code: "failed"}
)

func TestOutcome_ResultsOfEachTarget(t *testing.T) {
	const a, b, c = "https://a.test/", "https://b.test/", "https://c.test/"
	row := func(target string, r record.Result) record.Row { return record.Row{Target: target, Result: r} }
	good := record.Result{}
	for _, tt := range []struct {
		name    string
		typ     purge.Type
		head    record.Head
		targets []string
		rows    []record.Row
		want    []record.Result
	}{
		{"named", purge.URL, record.Head{Rows: 2}, []string{a, b}, []record.Row{row(a, timeout), row(b, good)}, []record.Result{timeout, good}},
		{"spelled otherwise", purge.URL, record.Head{Rows: 2}, []string{a, b}, []record.Row{row("HTTPS://A.test:443", timeout), row(b, good)}, []record.Result{timeout, good}},
		{"a row twice, another missing", purge.URL, record.Head{Rows: 2}, []string{a, b}, []record.Row{row(a, good), row(a, good)}, []record.Result{good, rest}},
		{"a row twice, spelled otherwise", purge.URL, record.Head{Rows: 2}, []string{a, b}, []record.Row{row(a, good), row("https://A.test/", good)}, []record.Result{good, rest}},
		{"a row twice, once failed", purge.URL, record.Head{Rows: 1}, []string{a}, []record.Row{row(a, good), row(a, bad)}, []record.Result{bad}},
		{"names unheard of, all a success", purge.URL, record.Head{Rows: 2}, []string{a, b}, []record.Row{row("1", good), row("2", good)}, []record.Result{good, good}},
		{"names unheard of, one failed", purge.URL, record.Head{Rows: 3}, []string{a, b, c}, []record.Row{row("1", good), row("2", bad), row(c, good)}, []record.Result{rest, rest, good}},
		{"one name unheard of", purge.URL, record.Head{Rows: 2}, []string{a, b}, []record.Row{row("1", bad), row(b, good)}, []record.Result{bad, good}},
		{"fewer names than targets", purge.URL, record.Head{Rows: 3}, []string{a, b, c}, []record.Row{row("1", good), row(c, good)}, []record.Result{rest, rest, good}},
		{"parts that have ended", purge.URL, record.Head{Rows: 3}, []string{a}, []record.Row{row(b, good), row(c, good)}, []record.Result{rest}},
		{"two that EdgeOne lists by one name", purge.URL, record.Head{Rows: 2}, []string{a + "%7e", a + "%7E"}, []record.Row{row(a+"~", good), row(a+"~", good)}, []record.Result{good, good}},
		{"two that it lists by one name, which differ", purge.URL, record.Head{Rows: 2}, []string{a + "%7e", a + "%7E"}, []record.Row{row(a+"~", good), row(a+"~", bad)}, []record.Result{bad, bad}},
		{"distinct ones that share a form", purge.URL, record.Head{Rows: 2}, []string{a + "%c3", a + "%C3"}, []record.Row{row(a+"%c3", good), row(a+"%C3", bad)}, []record.Result{good, bad}},
		{"one refused by another name", purge.URL, record.Head{Rows: 2, Unnamed: 1, Refusal: "why"}, []string{a, b}, []record.Row{row(a, good)}, []record.Result{good, {Code: record.CodeRefused, Reason: "why"}}},
		{"one refused, one spelled otherwise", purge.URL, record.Head{Rows: 2, Unnamed: 1}, []string{a, b}, []record.Row{row("1", good)}, []record.Result{rest, rest}},
		{"a tag", purge.Tag, record.Head{Rows: 2}, []string{"A", "a"}, []record.Row{row("a", good), row("A", bad)}, []record.Result{bad, good}},
		{"a whole zone", purge.All, record.Head{Rows: 1}, []string{""}, []record.Row{row("example.com", timeout)}, []record.Result{timeout}},
		{"without a canonical form", purge.URL, record.Head{Rows: 2}, []string{"a.test", b}, []record.Row{row(b, good), row("a.test", bad)}, []record.Result{bad, good}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := record.Outcome{Rest: rest, Rows: tt.rows}
			got, all := make([]record.Result, len(tt.targets)), out.Results(tt.typ, &tt.head, tt.targets)
			for i, target := range tt.targets {
				got[i] = all.Of(target)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// Two targets are one by RFC 3986, EdgeOne lists both by one name, and leaves one out: the row may
// be of either.
func TestOutcome_DoubtsARowOfTwins(t *testing.T) {
	targets := []string{"https://www.example.com/%C3%A9", "https://www.example.com/%c3%a9", "https://www.example.com/a"}
	out := record.Outcome{Rest: rest, Rows: []record.Row{{Target: targets[2]}, {Target: targets[0]}, {Target: targets[2]}}}
	all := out.Results(purge.URL, &record.Head{Rows: 3}, targets)
	for i, want := range []record.Result{rest, rest, {}} {
		if got := all.Of(targets[i]); got != want {
			t.Errorf("%s: got %+v, want %+v", targets[i], got, want)
		}
	}
	out.Rows = append(out.Rows, record.Row{Target: targets[0]})
	all = out.Results(purge.URL, &record.Head{Rows: 3}, targets)
	for _, target := range targets {
		if got := all.Of(target); got.Code != "" {
			t.Errorf("%s: got %+v though each has a row", target, got)
		}
	}
}

// Whatever EdgeOne lists twice, leaves out or spells otherwise: nothing is a success that is none.
func TestOutcome_ClaimsNoSuccess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"a", "A", "%41", "%c3%a9", "%C3%A9", "é", "a/", "b", "%62", "c", "d%2Fe", "d/e", "x y", "x%20y",
		}), 1, 8, rapid.ID).Draw(t, "paths")
		var targets []string
		for _, p := range paths {
			canonical, err := purge.Canonical(purge.URL, "https://www.example.com/"+p)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(targets, canonical) {
				targets = append(targets, canonical)
			}
		}
		truth := make(map[string]record.Result)
		var rows []record.Row
		respell := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s },
			func(s string) string { return record.Echo(purge.URL, s) },
			func(s string) string { return "https://WWW.example.com.:443" + s[len("https://www.example.com"):] },
			func(s string) string { return fmt.Sprintf("%x", s) },
		}).Draw(t, "spelling")
		for i, target := range targets {
			if rapid.Bool().Draw(t, "fails") {
				truth[target] = bad
			}
			rows = append(rows, record.Row{Target: respell(targets[i]), Result: truth[target]})
		}
		omitted := -1
		if len(rows) > 1 && rapid.Bool().Draw(t, "omits one and lists another twice") {
			i := rapid.IntRange(0, len(rows)-1).Draw(t, "omitted")
			j := rapid.IntRange(0, len(rows)-1).Draw(t, "twice")
			if i != j && record.Echo(purge.URL, targets[i]) != record.Echo(purge.URL, targets[j]) {
				rows[i], omitted = rows[j], i
			}
		}
		rows = rapid.Permutation(rows).Draw(t, "order")
		out := record.Outcome{Rest: rest, Rows: rows}
		all := out.Results(purge.URL, &record.Head{Rows: len(targets)}, targets)
		for i, target := range targets {
			if all.Of(target).Code == "" && (truth[target].Code != "" || i == omitted) {
				t.Fatalf("%s is a success among %+v, and is none", target, rows)
			}
		}
	})
}
