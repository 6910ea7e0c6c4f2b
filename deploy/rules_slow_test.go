//go:build slow

package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

var sample = regexp.MustCompile(`(?m)^(edgepurge_\w+)(?:\{(.*)\})? (\S+)$`)

// scrape gives the series of a worker with their values.
func (w *town) scrape(r *replica) map[string]string {
	_, text := w.get(r.url + "/metrics")
	all := make(map[string]string)
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		all[m[1]+"{"+strings.TrimPrefix(m[2]+`,instance="`+r.url+`"`, ",")+"}"] = m[3]
	}
	return all
}

func TestRules_PassTheirTests(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), promtool(t), "test", "rules", "prometheus/rules_test.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Each test of an alert passes as well where two more installations are scraped that are well: those are silent, and
// the one with the fault is named.
func TestRules_NameTheInstallationWithTheFault(t *testing.T) {
	t.Parallel()
	tests := amongThree(t)
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	tests.RuleFiles = []string{rules}
	if out := runRuleTests(t, promtool(t), tests); out != "" {
		t.Error(out)
	}
}

// An installation that works has no alert; the same series with one fault in them have it. promtool judges what two
// replicas serve before and after a load, as if it had been scraped for hours.
func TestRules_AreQuietOnAWorkerThatIsWell(t *testing.T) {
	tool := promtool(t)
	w := newTown(t, func(c *emulator.Config) { c.Rate = 20 })
	w.operate("setup")
	owner, other := w.start(), w.start()
	w.until("a leader", func() bool { return w.leads(owner) || w.leads(other) })
	_, text := w.get(owner.url + "/metrics")
	for _, name := range metricName.FindAllString(read(t, "grafana/dashboard.json"), -1) {
		if !strings.HasPrefix(name, "edgepurge_") && !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("the dashboard shows %s, which is not served", name)
		}
	}
	before := w.scrape(owner)
	maps.Copy(before, w.scrape(other))
	g := w.producer()
	for i, page := range pages(0, 300) {
		lane := purge.Bulk
		if i%3 == 0 {
			lane = purge.Interactive
		}
		g.publish(lane, purge.Request{ID: fmt.Sprintf("r%d", i), Time: time.Now(), Targets: []string{page}})
	}
	w.until("the events", func() bool { return g.ended() == g.requests })
	var after map[string]string
	w.until("the times of both lanes, and the quotas", func() bool {
		after = w.scrape(owner)
		maps.Copy(after, w.scrape(other))
		lanes, quotas := 0, 0
		for series, value := range after {
			if strings.HasPrefix(series, "edgepurge_purge_end_to_end_seconds_count{") && value != "0" {
				lanes++
			}
			if strings.HasPrefix(series, "edgepurge_quota_remaining{") {
				quotas++
			}
		}
		return lanes == 2 && quotas > 0
	})
	if out := judge(t, tool, before, after, nil); out != "" {
		t.Errorf("well, and yet there are alerts:\n%s", out)
	}
	for fault, alert := range map[string]string{
		`edgepurge_leader{`: "EdgePurgeDown", `edgepurge_ready{`: "EdgePurgeNotReady", `edgepurge_nats_connected{`: "EdgePurgeNATSDisconnected",
		`edgepurge_config_last_reload_successful{`: "EdgePurgeConfigRefused",
		`edgepurge_quota_remaining{`:               "EdgePurgeQuotaExhausted",
	} {
		if out := judge(t, tool, before, after, func(series string) bool { return strings.HasPrefix(series, fault) }); !strings.Contains(out, alert) {
			t.Errorf("%s…} 0: %s does not fire: %q", fault, alert, out)
		}
	}
}

// judge has promtool look for alerts; wrong names series that are 0 after the load.
func judge(t *testing.T, tool string, before, after map[string]string, wrong func(series string) bool) string {
	t.Helper()
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	_, _ = fmt.Fprintf(&out, "rule_files: [%q]\ntests:\n  - interval: 1m\n    input_series:\n", rules)
	for _, series := range slices.Sorted(maps.Keys(after)) {
		value := after[series]
		if wrong != nil && wrong(series) {
			value = "0"
		}
		first := "_"
		if v, ok := before[series]; ok {
			first = v
		}
		_, _ = fmt.Fprintf(&out, "      - {series: %q, values: \"%s %s %sx400\"}\n", series, first, first, value)
	}
	_, _ = fmt.Fprint(&out, "    alert_rule_test:\n")
	for _, name := range alerts(t) {
		for _, at := range []string{"3m", "15m", "6h30m"} {
			_, _ = fmt.Fprintf(&out, "      - {alertname: %s, eval_time: %s, exp_alerts: []}\n", name, at)
		}
	}
	file := filepath.Join(t.TempDir(), "judge.yaml")
	if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), tool, "test", "rules", file).CombinedOutput()
	if err == nil {
		return ""
	}
	return string(text)
}
