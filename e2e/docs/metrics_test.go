package docs_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/tree"
)

var (
	typeLine = regexp.MustCompile(`(?m)^# TYPE (edgepurge_\w+) (\w+)$`)
	sample   = regexp.MustCompile(`(?m)^(edgepurge_\w+?)(?:\{(.*)\})? \S+$`)
	labelled = regexp.MustCompile(`(\w+)="([^"]*)"`)
	quoted   = regexp.MustCompile("`([^`]+)`")
)

// served reads what /metrics serves, and the values of the labels that are no histogram's own.
func served(text string) (all map[string]tree.Metric, values map[string]map[string]bool) {
	all, values = make(map[string]tree.Metric), make(map[string]map[string]bool)
	for _, m := range typeLine.FindAllStringSubmatch(text, -1) {
		all[m[1]] = tree.Metric{Kind: m[2]}
	}
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		name := tree.Family(all, m[1])
		var labels []string
		for _, l := range labelled.FindAllStringSubmatch(m[2], -1) {
			if l[1] == "le" {
				continue
			}
			labels = append(labels, l[1])
			if values[l[1]] == nil {
				values[l[1]] = make(map[string]bool)
			}
			values[l[1]][l[2]] = true
		}
		slices.Sort(labels)
		all[name] = tree.Metric{Kind: all[name].Kind, Labels: labels}
	}
	return all, values
}

// get asks a running worker; empty when nobody answers.
func (s *trial) get(url string) string {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

// until asks for something until it is there.
func (s *trial) until(what string, ok func() bool) {
	s.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(2 * patience); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			s.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestDocsMetrics_AreThoseOfARunningWorker(t *testing.T) {
	t.Parallel()
	s := newTrial(t)
	address := freeAddress(t)
	s.env = append(s.env, "EDGEPURGE_HTTP_LISTEN="+address, "EDGEPURGE_EDGEONE_ENDPOINT=http://"+s.real.Replace("127.0.0.1:7481"),
		"TENCENTCLOUD_SECRET_ID=AKIDEMULATOR", "TENCENTCLOUD_SECRET_KEY=emulator-secret")
	s.start("edgepurge emulator --listen 127.0.0.1:7481 --task-time 200ms --fault throttle=0.3\nedgepurge run\n")
	s.until("a worker", func() bool { return strings.Contains(s.get("http://"+address+"/metrics"), "\nedgepurge_leader 1\n") })
	for _, target := range []string{"https://a.example/", "https://b.example/", "https://c.example/"} {
		if text, code := s.run("edgepurge submit --wait " + target); code != 0 {
			t.Fatalf("submit: exit code %d: %s", code, text)
		}
	}
	told := tree.Metrics(t)
	var text string
	for _, want := range left {
		s.until(want, func() bool {
			text = s.get("http://" + address + "/metrics")
			return strings.Contains(text, "\n"+want)
		})
	}
	s.until("a call that was refused", func() bool {
		text = s.get("http://" + address + "/metrics")
		if strings.Contains(text, "\nedgepurge_api_errors_total{") {
			return true
		}
		s.run("edgepurge submit https://d.example/")
		return false
	})
	all, values := served(text)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		want, ok := told[name]
		if !ok {
			t.Errorf("%s is served, and not in %s", name, tree.MetricsFile)
		} else if got := all[name]; got.Kind != want.Kind || !slices.Equal(got.Labels, want.Labels) {
			t.Errorf("%s: got a %s with labels %q, %s tells of a %s with %q", name, got.Kind, got.Labels, tree.MetricsFile, want.Kind, want.Labels)
		}
	}
	for name := range told {
		if _, ok := all[name]; !ok {
			t.Errorf("%s is in %s, and not served", name, tree.MetricsFile)
		}
	}
	checkLabels(t, values)
}

// left are lines that three requests leave behind.
var left = []string{
	`edgepurge_requests_received_total{lane="interactive"} 3`,
	`edgepurge_events_published_total{lane="interactive",status="completed"} 3`,
	`edgepurge_purge_end_to_end_seconds_count{lane="interactive"} 3`,
	`edgepurge_targets_total{type="url"} 3`,
	`edgepurge_batch_targets_sum 3`,
	`edgepurge_task_duration_seconds_count{result="success",type="url"} 3`,
	`edgepurge_quota_batch_limit{type="url",zone="zone-emulator"} 500`,
	`edgepurge_api_rate_limit{action="CreatePurgeTask"} 20`,
}

// checkLabels wants every value of a label in the document, but for those that it can't know.
func checkLabels(t *testing.T, values map[string]map[string]bool) {
	t.Helper()
	told := make(map[string]string)
	for _, cells := range tree.Table(t, tree.MetricsFile, "label") {
		for _, name := range quoted.FindAllStringSubmatch(cells[0], -1) {
			told[name[1]] = cells[1]
		}
	}
	for name, of := range values {
		text, ok := told[name]
		if !ok {
			t.Errorf("%s does not tell of the label %s", tree.MetricsFile, name)
		}
		for value := range of {
			free := name == "zone" || name == "code" || strings.HasSuffix(name, "version")
			if !free && !strings.Contains(text, "`"+value+"`") {
				t.Errorf("%s does not tell of %s=%q", tree.MetricsFile, name, value)
			}
		}
	}
}
