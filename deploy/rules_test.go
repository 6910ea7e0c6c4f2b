package deploy_test

import (
	"maps"
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

const rulesFile = "prometheus/rules.yaml"

// promtool gives Prometheus's own judge of rules; .ci/run installs it.
func promtool(t *testing.T) string {
	t.Helper()
	return kit.Need(t, "promtool", "Debian's package prometheus")
}

func alerts(t *testing.T) []string {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	data, err := os.ReadFile(rulesFile)
	if err == nil {
		err = yaml.Unmarshal(data, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all = append(all, r.Alert)
		}
	}
	if len(all) < 10 {
		t.Fatalf("got the alerts %q, want those of the file", all)
	}
	return all
}

// Each alert is tested in rules_test.yaml both when it must fire and when it must not.
func TestRules_AreAllTested(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	data, err := os.ReadFile("prometheus/rules_test.yaml")
	if err == nil {
		err = yaml.Unmarshal(data, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	fires, quiet := make(map[string]bool), make(map[string]bool)
	for _, test := range file.Tests {
		for _, a := range test.AlertRuleTest {
			if len(a.ExpAlerts) > 0 {
				fires[a.Alertname] = true
			} else {
				quiet[a.Alertname] = true
			}
		}
	}
	want := slices.Sorted(slices.Values(alerts(t)))
	for what, got := range map[string]map[string]bool{"fires": fires, "does not fire": quiet} {
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
			t.Errorf("%s: got tests of %q, want of %q", what, names, want)
		}
	}
}
