package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/summary"
	"github.com/edgepurge/edgepurge/purge"
)

func TestReadFiles_DropsWhatIsNoPartOfALine(t *testing.T) {
	one := file(t, "\ufeffhttps://a.example/1 \r\n\t https://a.example/2\t\n\n # a comment\nhttps://a.example/3\u00a0\nx\ty\n<z>\n")
	two := file(t, "\ufeff# first\nhttps://b.example/?u=1")
	got, err := readFiles(strings.NewReader("\ufeffhttps://c.example/\nhttps://c.example/\n"), []string{one, "-", two}, purge.URL)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"https://a.example/1", "https://a.example/2", "https://a.example/3\u00a0", "x\ty", "<z>", // every line of a list
		"https://c.example/", "https://c.example/", "https://b.example/?u=1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is no list is refused, with its file and line, whatever came before it, and nothing is sent.
func TestSubmit_RefusesWhatIsNoList(t *testing.T) {
	js, _ := world(t, nil)
	must(t, "setup")
	good := file(t, "https://a.example/\n")
	for name, c := range map[string]struct{ content, typ, line, want string }{
		"gzip":             {"\x1f\x8b\x08\x00\x00", "url", "line 1", "gzip"},
		"zip":              {"PK\x03\x04\x14", "url", "line 1", "zip"},
		"UTF-16":           {"\xff\xfeh\x00t\x00", "url", "line 1", "UTF-8"},
		"sitemap":          {"\n<?xml version=\"1.0\"?>\n<urlset>", "url", "line 2", "sitemaps are not supported yet"},
		"sitemap, BOM":     {"\ufeff<urlset xmlns=\"x\"><url>", "url", "line 1", "sitemaps are not supported yet"},
		"HTML":             {"<!DOCTYPE html>", "url", "line 1", "HTML"},
		"XML of tags":      {"<tags>", "tag", "line 1", "XML"},
		"tab":              {"# export\nhttps://a.example/\t200\n", "url", "line 2", "tabs"},
		"two URLs":         {"https://a.example/ http://b.example/\n", "url", "line 1", "several URLs"},
		"two URLs, commas": {"https://a.example/,HTTPS://b.example/\n", "url", "line 1", "several URLs"},
		"one column":       {"\nURL\nhttps://a.example/\n", "url", "line 2", "column names"},
		"quoted columns":   {"\"Address\";\"Status Code\"\nhttps://a.example/;200\n", "url", "line 1", "column names"},
		"columns of hosts": {"hostname,zone\na.example,1\n", "host", "line 1", "column names"},
		"columns of tags":  {"tag,count\nx,1\n", "tag", "line 1", "column names"},
		"empty":            {"", "url", "", "has none"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := file(t, c.content)
			code, out, errs := command(t, "", "submit", "--type", c.typ, "--file", good, "--file", bad)
			if code != exitUsage || out != "" || strings.Count(errs, "\n") != 1 {
				t.Errorf("exit code %d, %q, %q; want 2 and one line", code, out, errs)
			}
			for _, want := range []string{bad, c.line, c.want} {
				if !strings.Contains(errs, want) {
					t.Errorf("%q does not say %q", errs, want)
				}
			}
		})
	}
	for _, args := range [][]string{{""}, {"https://a.example/", " "}, {"--file", "-", "--file", "-"}, {"--file", t.TempDir()}} {
		if code, _, errs := command(t, "https://a.example/", append([]string{"submit"}, args...)...); code != exitUsage {
			t.Errorf("%q: exit code %d, %q, want 2", args, code, errs)
		}
	}
	if s, err := js.Stream(t.Context(), "PURGE_REQUESTS"); err != nil || s.CachedInfo().State.LastSeq != 0 {
		t.Errorf("%v requests were sent, %v; want none", s.CachedInfo().State.LastSeq, err)
	}
}

// A tag may look like much; only what can't be a tag is refused.
func TestReadFiles_TakesTags(t *testing.T) {
	for _, first := range []string{"url", "page", "tags", "[", "*", "a;b"} {
		got, err := readFiles(nil, []string{file(t, first+"\nx\n")}, purge.Tag)
		if err != nil || !slices.Equal(got, []string{first, "x"}) {
			t.Errorf("%q: got %q, %v", first, got, err)
		}
	}
}

func TestSubmit_SaysWhichTargetsFailed(t *testing.T) {
	world(t, nil)
	must(t, "setup")
	stored := decoded(t, must(t, "submit", "-o", "json", "--id", "n", "https://a.example/?a=1&b=2", "nonsense"))
	if len(stored) != 2 || stored[0]["target"] != "https://a.example/?a=1&b=2" || stored[1]["target"] != "nonsense" {
		t.Errorf("without --wait: got %v, want the target of each", stored)
	}
	work(t)
	list := []string{"https://a.example/?a=1&b=2"}
	for i := range 120 {
		list = append(list, fmt.Sprintf("nonsense %d", i))
	}
	code, out, errs := command(t, strings.Join(list, "\n"), "submit", "--file", "-", "--wait", "-o", "json")
	var got struct {
		summary.Counts
		Failures []summary.Failure
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	if want := (summary.Counts{Requests: 121, Completed: 1, Failed: 120}); code != exitSome || got.Counts != want || len(got.Failures) != 100 {
		t.Errorf("exit code %d, %+v, %d failures: %q", code, got.Counts, len(got.Failures), errs)
	}
	for _, f := range got.Failures {
		if !slices.Contains(list, f.Target) || f.ID == "" || f.Status != purge.Rejected || f.Code != purge.CodeInvalidTarget || f.Reason == "" {
			t.Errorf("got %+v, want the line and why", f)
		}
	}
	code, out, errs = command(t, strings.Join(list, "\n"), "submit", "--file", "-", "--wait", "--id", "m")
	if code != exitSome || !strings.Contains(out, "1 completed, 120 failed") || !strings.Contains(out, "20 failures not listed") ||
		strings.Count(errs, ": rejected: InvalidTarget: ") != 100 || strings.Contains(errs, "targets[0]") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if code, _, errs = command(t, "", "submit", "nonsense", "--wait"); code != exitNone || !strings.Contains(errs, "\nnonsense: rejected: InvalidTarget: ") {
		t.Errorf("exit code %d, %q, want a line that names the target", code, errs)
	}
}
