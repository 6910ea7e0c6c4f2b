package main

// goal is what a figure is held against; without Op there is none.
type goal struct {
	Op    string  `json:"op"` // ">=", "<=" or "<"
	Value float64 `json:"value"`
}

func atLeast(v float64) goal { return goal{">=", v} }
func atMost(v float64) goal  { return goal{"<=", v} }
func below(v float64) goal   { return goal{"<", v} }

func (g goal) met(v float64) bool {
	switch g.Op {
	case ">=":
		return v >= g.Value
	case "<=":
		return v <= g.Value
	case "<":
		return v < g.Value
	}
	return true
}

// figure is one thing that a run of a scenario has measured.
type figure struct {
	setting string // what it holds for, beside the number of workers
	name    string
	value   float64
	unit    string
	goal    goal
}

// row is a figure with the values of all runs.
type row struct {
	Scenario string    `json:"scenario"`
	Workers  int       `json:"workers"`
	Setting  string    `json:"setting,omitempty"`
	Figure   string    `json:"figure"`
	Unit     string    `json:"unit,omitempty"`
	Median   float64   `json:"median"`
	Values   []float64 `json:"values"`
	Goal     goal      `json:"goal,omitzero"`
	Ratio    *float64  `json:"ratio,omitempty"` // median to goal
	Met      *bool     `json:"met,omitempty"`
}
