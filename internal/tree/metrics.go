package tree

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// MetricsFile is the document of the metrics.
const MetricsFile = "docs/metrics.md"

// Metric is one that is served, or that the document has: its type, and its labels in their order.
type Metric struct {
	Kind   string
	Labels []string
}

var (
	metricRow = regexp.MustCompile("(?m)^\\| `(edgepurge_\\w+)` \\| (\\w+) \\|([^|]*)\\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|$")
	quoted    = regexp.MustCompile("`([^`]+)`")
)

// Metrics returns those of the document's tables, by name.
func Metrics(t testing.TB) map[string]Metric {
	t.Helper()
	all := make(map[string]Metric)
	for _, m := range metricRow.FindAllStringSubmatch(string(Read(t, MetricsFile)), -1) {
		var labels []string
		for _, l := range quoted.FindAllStringSubmatch(m[3], -1) {
			labels = append(labels, l[1])
		}
		slices.Sort(labels)
		all[m[1]] = Metric{m[2], labels}
	}
	if len(all) < 30 {
		t.Fatalf("%s: got %d rows, want those of the document", MetricsFile, len(all))
	}
	return all
}

// Family returns the name of a metric without what a histogram adds to it.
func Family(all map[string]Metric, name string) string {
	for _, end := range []string{"_bucket", "_sum", "_count"} {
		if base := strings.TrimSuffix(name, end); all[base].Kind == "histogram" {
			return base
		}
	}
	return name
}
