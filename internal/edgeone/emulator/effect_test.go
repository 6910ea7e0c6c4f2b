package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// purgedTargets asks an emulator which targets have purged a URL.
func purgedTargets(t *testing.T, e http.Handler, of string) []string {
	t.Helper()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/purged?url="+url.QueryEscape(of), nil))
	var a struct {
		URL    string
		Purged bool
		Tasks  []struct{ Target, Status string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || a.URL != of || a.Purged != (len(a.Tasks) > 0) {
		t.Fatalf("got %d %s, %v", w.Code, w.Body, err)
	}
	var targets []string
	for _, task := range a.Tasks {
		if task.Status != "success" {
			t.Errorf("%s: got status %s, want success", task.Target, task.Status)
		}
		targets = append(targets, task.Target)
	}
	return targets
}

func TestPurged_PrefixIsADirectoryOrAString(t *testing.T) {
	const base = "https://www.example.com"
	tests := []struct {
		prefix, url       string
		directory, string bool
	}{
		{"/blog", "/blog", true, true},
		{"/blog", "/blog/", true, true},
		{"/blog", "/blog/a/b?c", true, true},
		{"/blog", "/blog?page=2", true, true},
		{"/blog", "/blogs", false, true},
		{"/blog", "/blog.html", false, true},
		{"/blog", "/a/blog", false, false},
		{"/blog/", "/blog/a", true, true},
		{"/blog/", "/blog", false, false},
		{"/blog/", "/Blog/a", false, false},
		{"", "/any", true, true},
	}
	for mode, want := range map[string]func(i int) bool{
		"directory": func(i int) bool { return tests[i].directory },
		"string":    func(i int) bool { return tests[i].string },
	} {
		for i, tt := range tests {
			c, e := newClient(t, emulator.Config{TaskTime: time.Nanosecond, Unknown: map[string]string{"prefix": mode}})
			c.must(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_prefix", "Targets": []string{base + tt.prefix}})
			if got := len(purgedTargets(t, e, base+tt.url)) > 0; got != want(i) {
				t.Errorf("prefix=%s, %s: %s is purged: %t, want %t", mode, tt.prefix, tt.url, got, want(i))
			}
		}
	}
}

func TestPurged_KnowsEveryTypeOnceItIsDone(t *testing.T) {
	const page = "https://www.example.com/a"
	for kind, target := range map[string]string{
		"purge_url": "https://WWW.example.com:443/%61", "purge_host": "www.example.com", "purge_all": "",
	} {
		c, e := newClient(t, emulator.Config{TaskTime: time.Nanosecond})
		p := object{"ZoneId": testZone, "Type": kind}
		if target != "" {
			p["Targets"] = []string{target}
		}
		c.must(t, "CreatePurgeTask", p)
		if got := purgedTargets(t, e, page); len(got) != 1 {
			t.Errorf("%s: got %q, want its target", kind, got)
		}
		if got := purgedTargets(t, e, "https://img.example.com/b"); (len(got) == 1) != (kind == "purge_all") {
			t.Errorf("%s: got %q for a URL on another host", kind, got)
		}
	}
	c, e := newClient(t, emulator.Config{TaskTime: time.Hour})
	c.create(t, page)
	if got := purgedTargets(t, e, page); got != nil {
		t.Errorf("got %q while the task is processing, want none", got)
	}
}

func TestPurged_RefusesWhatIsNoURL(t *testing.T) {
	e, err := emulator.New(emulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]int{"/purged": 400, "/purged?url=a": 400} {
		w := httptest.NewRecorder()
		if e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)); w.Code != want {
			t.Errorf("%s: got %d, want %d", target, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/purged?url=https://a.test/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d, want 405", w.Code)
	}
}
