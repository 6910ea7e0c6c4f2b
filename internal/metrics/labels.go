package metrics

import (
	"slices"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// other is the label of everything that has none of its own.
const other = "other"

// The values of labels. What is in no list is counted as other.
var (
	lanes    = []string{string(purge.Interactive), string(purge.Bulk), other}
	statuses = []string{
		string(purge.Completed), string(purge.Partial), string(purge.Failed), string(purge.Rejected), string(purge.Expired),
	}
	types = []string{"url", "prefix", "host", "tag", "all", other}

	// typeLabels are the labels of the types that quotas and jobs may have.
	typeLabels = map[purge.Type]string{
		purge.URL: "url", purge.Prefix: "prefix", purge.Host: "host", purge.Tag: "tag", purge.All: "all",
		"prefetch_url": "prefetch",
	}

	// reasonNames are the codes of refused requests, as the subjects of dead letters spell them.
	reasonNames = map[string]string{
		purge.CodeMalformed: "malformed", purge.CodeTooLarge: "too-large", purge.CodeUnknownField: "unknown-field",
		purge.CodeInvalidTarget: "invalid-target", purge.CodeZoneNotFound: "zone-not-found",
		purge.CodeZoneAmbiguous: "zone-ambiguous", purge.CodePolicy: "policy", purge.CodeUnsupported: "unsupported",
		purge.CodePoison: "poison", purge.CodeIDReused: "id-reused",
	}
)

// The API's actions. Calls of the helper actions share one pace.
const (
	Create  = "CreatePurgeTask"
	Look    = "DescribePurgeTasks"
	Helpers = "helpers"
)

var (
	actions = []string{Create, Look, "DescribeContentQuota", "DescribeZones", "DescribeAccelerationDomains", other}
	paces   = []string{Create, Look, Helpers}
)

func classes() []string {
	var all []string
	for c := edgeone.Done; c <= edgeone.Unknown; c++ {
		all = append(all, c.String())
	}
	return all
}

func reasons() []string {
	all := []string{other}
	for _, name := range reasonNames {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// orOther gives what a table has for a value that may not be in it.
func orOther[T any](table map[string]T, value string) T {
	if v, ok := table[value]; ok {
		return v
	}
	return table[other]
}

func typeLabel(t purge.Type) string {
	if name, ok := typeLabels[t]; ok {
		return name
	}
	return other
}

func reasonName(code string) string {
	if name, ok := reasonNames[code]; ok {
		return name
	}
	return other
}
