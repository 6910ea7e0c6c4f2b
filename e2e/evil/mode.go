package evil

import "net/http"

// Mode is one way to misbehave.
type Mode struct {
	Name string
	// Faults and Unknown are those of the emulator.
	Faults  map[string]float64
	Unknown map[string]string
	// Exact says that nothing is hidden: every target that was purged is reported so.
	Exact bool
	// Targets is the size of the largest request, 30 unless it is given.
	Targets int
	// Slow says that calls may take as long as the worker lets them.
	Slow bool

	// Before sees a call first, and reports whether it has answered it; what it changes is carried out.
	Before func(*Call, http.ResponseWriter, *http.Request) bool
	// Answer changes what is in the answer's Response.
	Answer func(c *Call, answer object) object
	// Write reports whether it has sent the answer, whose bytes it gets.
	Write func(c *Call, w http.ResponseWriter, r *http.Request, data []byte) bool
}

// rows is an Answer that changes each row of DescribePurgeTasks.
func rows(change func(c *Call, row object)) func(*Call, object) object {
	return lists(func(c *Call, all []object) []object {
		for _, row := range all {
			change(c, row)
		}
		return all
	})
}

// lists is an Answer that changes the rows of DescribePurgeTasks.
func lists(change func(c *Call, all []object) []object) func(*Call, object) object {
	return func(c *Call, answer object) object {
		if c.Action == describe && answer["Tasks"] != nil {
			answer["Tasks"] = items(change(c, list(answer["Tasks"])))
		}
		return answer
	}
}

// total is an Answer that changes TotalCount of DescribePurgeTasks.
func total(change func(c *Call, answer object, n int) any) func(*Call, object) object {
	return func(c *Call, answer object) object {
		if n, ok := answer["TotalCount"].(float64); ok && c.Action == describe {
			answer["TotalCount"] = change(c, answer, int(n))
		}
		return answer
	}
}

// created is an Answer that changes that of CreatePurgeTask.
func created(change func(c *Call, answer object)) func(*Call, object) object {
	return func(c *Call, answer object) object {
		if c.Action == create && answer["Error"] == nil {
			change(c, answer)
		}
		return answer
	}
}

// drop is a Before that strikes filters from what DescribePurgeTasks is asked.
func drop(names ...string) func(*Call, http.ResponseWriter, *http.Request) bool {
	return func(c *Call, _ http.ResponseWriter, _ *http.Request) bool {
		if c.Action == describe {
			c.without(names...)
		}
		return false
	}
}

// without strikes filters. A list without job and times is one of the last hour.
func (c *Call) without(names ...string) {
	var kept []any
	for _, f := range list(c.Body["Filters"]) {
		if !contains(names, f["Name"]) {
			kept = append(kept, f)
		}
	}
	c.Body["Filters"] = kept
	if c.Body["StartTime"] == nil && contains(names, "job-id") {
		c.Body["StartTime"], c.Body["EndTime"] = hourAgo(), hourAhead()
	}
}

func contains(names []string, name any) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// refuse is an answer with an error.
func refuse(code string) object {
	return object{"Error": object{"Code": code, "Message": "It is not."}, "RequestId": "evil"}
}
