package docs_test

import (
	"bytes"
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/edgepurge/edgepurge/internal/tree"
)

const (
	rulesFile = "deploy/prometheus/rules.yaml"
	// runbooks is where a runbook_url leads, and where the file lies in this tree.
	runbooks    = "https://github.com/edgepurge/edgepurge/blob/main/docs/runbooks/"
	runbooksDir = "docs/runbooks"
)

// rule is an alert of the rules file.
type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alertRules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(tree.Read(t, rulesFile)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil || len(file.Groups) != 1 || len(file.Groups[0].Rules) < 10 {
		t.Fatalf("%s: got %+v, %v, want a group of rules", rulesFile, file, err)
	}
	return file.Groups[0].Rules
}

func TestDocsAlerts_SpeakOfMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	told := tree.Metrics(t)
	name := regexp.MustCompile(`edgepurge_\w+`)
	matcher := regexp.MustCompile(`(edgepurge_\w+)\{([^}]*)\}`)
	label := regexp.MustCompile(`(\w+)=~?"`)
	for _, r := range alertRules(t) {
		names := name.FindAllString(r.Expr, -1)
		if len(names) == 0 {
			t.Errorf("%s: %s is no expression over our metrics", r.Alert, r.Expr)
		}
		for _, n := range names {
			if _, ok := told[tree.Family(told, n)]; !ok {
				t.Errorf("%s: there is no metric %s", r.Alert, n)
			}
		}
		for _, m := range matcher.FindAllStringSubmatch(r.Expr, -1) {
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				if l[1] != "le" && !slices.Contains(told[tree.Family(told, m[1])].Labels, l[1]) {
					t.Errorf("%s: %s has no label %s", r.Alert, m[1], l[1])
				}
			}
		}
	}
}

// Each alert has a runbook and a line in the document, which tells the rule's time and severity;
// and neither is there without an alert.
func TestDocsAlerts_HaveARunbookEach(t *testing.T) {
	t.Parallel()
	var alerts, books, lines []string
	for _, r := range alertRules(t) {
		file := runbooksDir + "/" + r.Alert + ".md"
		if want := runbooks + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
			t.Errorf("%s: got runbook %q, want %s", r.Alert, r.Annotations["runbook_url"], want)
		}
		if r.Annotations["summary"] == "" || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s: got %v, %v, want a summary and a severity", r.Alert, r.Labels, r.Annotations)
		}
		alerts = append(alerts, file)
		lines = append(lines, strings.Join([]string{"[" + r.Alert + "](runbooks/" + r.Alert + ".md)", cmp.Or(r.For, "-"), r.Labels["severity"]}, " "))
	}
	for _, file := range tree.Files(t, ".md") {
		if path.Dir(file) == runbooksDir {
			books = append(books, file)
			checkRunbook(t, file)
		}
	}
	slices.Sort(alerts)
	if !slices.Equal(alerts, books) {
		t.Errorf("got the runbooks %q, want %q", books, alerts)
	}
	var told []string
	for _, cells := range tree.Table(t, tree.MetricsFile, "alert") {
		told = append(told, strings.Join([]string{cells[0], cells[2], cells[3]}, " "))
	}
	if !slices.Equal(told, lines) {
		t.Errorf("%s: got\n%s\nwant\n%s", tree.MetricsFile, strings.Join(told, "\n"), strings.Join(lines, "\n"))
	}
}

func checkRunbook(t *testing.T, file string) {
	t.Helper()
	text := string(tree.Read(t, file))
	rest := text
	for _, heading := range []string{
		"# " + strings.TrimSuffix(path.Base(file), ".md") + "\n", "\n## What it means\n", "\n## How to look\n", "\n## What to do\n",
	} {
		_, after, ok := strings.Cut(rest, heading)
		if !ok {
			t.Errorf("%s: there is no %q, or not in its place", file, strings.TrimSpace(heading))
		}
		rest = after
	}
	told := tree.Metrics(t)
	for _, n := range regexp.MustCompile(`edgepurge_\w+`).FindAllString(text, -1) {
		if _, ok := told[tree.Family(told, n)]; !ok {
			t.Errorf("%s: there is no metric %s", file, n)
		}
	}
	// A command's own page: cli.md names each.
	cli := string(tree.Read(t, "docs/cli.md"))
	for _, m := range regexp.MustCompile("`(edgepurge [a-z]+)").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(cli, m[1]) {
			t.Errorf("%s: there is no command %s", file, m[1])
		}
	}
}
