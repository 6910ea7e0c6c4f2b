package emulator

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const visibleAfter = "visible-after"

// unknownValues holds what each switch can be, its default first.
var unknownValues = map[string][]string{
	"foreign-host": {"error", "failedlist"},
	"rows":         {"per-target", "per-job"},
	"echo":         {"exact", "canonical"},
	"prefix":       {"directory", "string"},
	"daily":        {"all", "part"},
	"refund":       {"yes", "no"},
	"offset":       {"rows", "pages"},
}

// unknowns are the behaviours that no document tells, each false or zero by default.
type unknowns struct {
	foreignListed bool          // a host outside the zone goes to FailedList instead of failing the call
	rowPerJob     bool          // a job has one row, of its first target
	echoCanonical bool          // rows name targets in normal form instead of as submitted
	prefixString  bool          // a prefix covers every URL that begins with it, and not directories alone
	dailyPart     bool          // what fits into the day's rest is taken instead of nothing
	keepCharge    bool          // targets of the FailedList are charged all the same
	offsetPages   bool          // 2022-01-06 reads Offset as a page
	visibleAfter  time.Duration // a job's rows are hidden for so long
}

// newUnknowns reads choices that checkUnknown has passed.
func newUnknowns(choices map[string]string) unknowns {
	hidden, err := time.ParseDuration(choices[visibleAfter])
	if err != nil {
		hidden = 0
	}
	return unknowns{
		foreignListed: choices["foreign-host"] == "failedlist",
		rowPerJob:     choices["rows"] == "per-job",
		echoCanonical: choices["echo"] == "canonical",
		prefixString:  choices["prefix"] == "string",
		dailyPart:     choices["daily"] == "part",
		keepCharge:    choices["refund"] == "no",
		offsetPages:   choices["offset"] == "pages",
		visibleAfter:  hidden,
	}
}

func checkUnknown(name, value string) error {
	if name == visibleAfter {
		if d, err := time.ParseDuration(value); err != nil || d < 0 {
			return fmt.Errorf("--unknown %s=%s: want a duration such as 3s", name, value)
		}
		return nil
	}
	values, ok := unknownValues[name]
	if !ok {
		return fmt.Errorf("--unknown %s: want foreign-host, rows, echo, prefix, daily, refund, offset or visible-after", name)
	}
	if !slices.Contains(values, value) {
		return fmt.Errorf("--unknown %s=%s: want %s", name, value, strings.Join(values, " or "))
	}
	return nil
}
