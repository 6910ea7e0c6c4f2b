package deploy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ruleTests is a file of tests for promtool.
type ruleTests struct {
	RuleFiles []string   `yaml:"rule_files"`
	Interval  string     `yaml:"evaluation_interval"`
	Tests     []ruleTest `yaml:"tests"`
}

type ruleTest struct {
	Name     string       `yaml:"name"`
	Interval string       `yaml:"interval"`
	Series   []ruleSeries `yaml:"input_series"`
	Checks   []ruleCheck  `yaml:"alert_rule_test"`
}

type ruleSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type ruleCheck struct {
	Alert  string         `yaml:"alertname"`
	At     string         `yaml:"eval_time"`
	Expect []expectedFire `yaml:"exp_alerts"`
}

type expectedFire struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

// Every aggregation keeps what tells installations apart, else the healthy ones hide the one that is not.
func TestRules_AggregateWithinAnInstallation(t *testing.T) {
	t.Parallel()
	if found := checkAggregations(t, expressions(t)); found < 10 {
		t.Errorf("got %d aggregations, want those of the rules", found)
	}
}

var aggregation = regexp.MustCompile(`\b(sum|min|max|avg|group|count|stddev|topk|bottomk|quantile)\b\s*(by|without)?\s*(\([^()]*\))?`)

// checkAggregations wants every aggregation of an expression to keep the installation's labels, and counts them.
func checkAggregations(t *testing.T, expr string) int {
	t.Helper()
	all := aggregation.FindAllStringSubmatch(expr, -1)
	for _, m := range all {
		if m[2] != "by" || !strings.HasPrefix(m[3], "(cluster, namespace, job") {
			t.Errorf("%q adds up over installations, want %s by (cluster, namespace, job…)", m[0], m[1])
		}
	}
	return len(all)
}

func expressions(t *testing.T) string {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []struct{ Expr string } }
	}
	readYAML(t, rulesFile, &file)
	var all []string
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all = append(all, r.Expr)
		}
	}
	return strings.Join(all, "\n")
}

// amongThree gives the tests of single installations, each as `edgepurge` in the namespace team-a, beside another job
// in that namespace and the same job in another.
func amongThree(t *testing.T) ruleTests {
	t.Helper()
	var file ruleTests
	readYAML(t, "prometheus/rules_test.yaml", &file)
	well := file.Tests[0]
	var others []ruleSeries
	for _, s := range well.Series {
		others = append(others,
			ruleSeries{strings.Replace(s.Series, `job="edgepurge"`, `namespace="team-b",job="edgepurge"`, 1), s.Values},
			ruleSeries{strings.Replace(s.Series, `job="edgepurge"`, `namespace="team-a",job="edgepurge-cn"`, 1), s.Values})
	}
	all := ruleTests{Interval: file.Interval}
	for _, test := range file.Tests {
		if slices.ContainsFunc(test.Series, func(s ruleSeries) bool {
			return strings.Contains(s.Series, "namespace=") || strings.HasPrefix(s.Series, "up{")
		}) {
			continue // has several already, or none
		}
		for i, s := range test.Series {
			test.Series[i].Series = strings.Replace(s.Series, `job="edgepurge"`, `namespace="team-a",job="edgepurge"`, 1)
		}
		test.Series = append(test.Series, others...)
		for _, check := range test.Checks {
			for _, fire := range check.Expect {
				fire.Labels["namespace"] = "team-a"
				fire.Annotations["summary"] = "team-a/" + fire.Annotations["summary"]
			}
		}
		all.Tests = append(all.Tests, test)
	}
	if len(all.Tests) < 10 {
		t.Fatalf("got %d tests of one installation, want those of the file", len(all.Tests))
	}
	return all
}

// runRuleTests gives what promtool has to say of tests that do not pass.
func runRuleTests(t *testing.T, tool string, tests ruleTests) string {
	t.Helper()
	data, err := yaml.Marshal(tests)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules_test.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "test", "rules", file).CombinedOutput(); err != nil {
		return fmt.Sprintf("%v\n%s", err, out)
	}
	return ""
}

// render gives the objects of a release as helm makes them, by kind.
func render(t *testing.T, release, namespace string, settings ...string) map[string][]map[string]any {
	t.Helper()
	args := []string{"template", release, chart, "--namespace", namespace}
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	out, err := helm(t, args...)
	if err != nil {
		t.Fatalf("helm %q: %v", args, err)
	}
	all := make(map[string][]map[string]any)
	decoder := yaml.NewDecoder(bytes.NewReader(out))
	for {
		var object map[string]any
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if kind, ok := object["kind"].(string); ok {
			all[kind] = append(all[kind], object)
		}
	}
}

// The alerts of a release are about that release alone, and fire for it also where it was never scraped.
func TestChart_AlertsAreOfItsRelease(t *testing.T) {
	t.Parallel()
	tool := promtool(t)
	objects := render(t, "edgepurge", "team-a", "prometheusRule.enabled=true", "serviceMonitor.enabled=true")
	if got := len(objects["PrometheusRule"]); got != 1 {
		t.Fatalf("got %d objects with rules, want 1; kinds are %q", got, slices.Sorted(maps.Keys(objects)))
	}
	data, err := yaml.Marshal(objects["PrometheusRule"][0]["spec"])
	if err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, data, 0o600); err != nil {
		t.Fatal(err)
	}
	scope := `{job="edgepurge",namespace="team-a"`
	for _, m := range regexp.MustCompile(`edgepurge_\w+(\S*)`).FindAllStringSubmatch(string(data), -1) {
		if !strings.HasPrefix(m[1], scope) {
			t.Errorf("%s is not scoped to the release", m[0])
		}
	}

	tests := amongThree(t)
	tests.RuleFiles = []string{rules}
	if out := runRuleTests(t, tool, tests); out != "" {
		t.Errorf("of its own release: %s", out)
	}

	// With another release's rules, nothing of all that is an alert but that this one is not there.
	objects = render(t, "edgepurge", "team-c", "prometheusRule.enabled=true")
	if data, err = yaml.Marshal(objects["PrometheusRule"][0]["spec"]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rules, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range tests.Tests {
		checks := slices.Clone(tests.Tests[i].Checks)
		for j := range checks {
			checks[j].Expect = nil
		}
		tests.Tests[i].Checks = slices.DeleteFunc(checks, func(c ruleCheck) bool { return c.Alert == "EdgePurgeDown" })
	}
	tests.Tests[0].Checks = append(tests.Tests[0].Checks, ruleCheck{"EdgePurgeDown", "10m", []expectedFire{{
		Labels: map[string]string{"severity": "critical", "job": "edgepurge", "namespace": "team-c"},
		Annotations: map[string]string{
			"summary":     "team-c/edgepurge: No replica is the leader; nothing is purged.",
			"runbook_url": "https://github.com/edgepurge/edgepurge/blob/main/docs/runbooks/EdgePurgeDown.md",
		},
	}}})
	if out := runRuleTests(t, tool, tests); out != "" {
		t.Errorf("of another release: %s", out)
	}
}
