package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// table is everything that was measured, and on what.
type table struct {
	Header   header    `json:"header"`
	Rows     []*row    `json:"rows"`
	Failures []failure `json:"failures,omitempty"`
}

// failure is a run without figures.
type failure struct {
	Scenario string `json:"scenario"`
	Workers  int    `json:"workers"`
	Error    string `json:"error"`
}

// add takes the figures of one run.
func (t *table) add(scenario string, workers int, figures []figure) {
	for _, f := range figures {
		i := slices.IndexFunc(t.Rows, func(r *row) bool {
			return r.Scenario == scenario && r.Workers == workers && r.Setting == f.setting && r.Figure == f.name
		})
		if i < 0 {
			i = len(t.Rows)
			t.Rows = append(t.Rows, &row{Scenario: scenario, Workers: workers, Setting: f.setting, Figure: f.name, Unit: f.unit, Goal: f.goal})
		}
		t.Rows[i].take(f.value)
	}
}

func (r *row) take(v float64) {
	r.Values = append(r.Values, v)
	r.Median = median(r.Values)
	if r.Goal.Op == "" {
		return
	}
	r.Met = new(r.Goal.met(r.Median))
	if r.Goal.Value != 0 {
		r.Ratio = new(r.Median / r.Goal.Value)
	}
}

// markdown writes the table as Markdown.
func (t *table) markdown(out io.Writer) error {
	var b strings.Builder
	t.Header.markdown(&b)
	b.WriteString("| scenario | workers | setting | figure | median | runs | goal | ratio | met |\n")
	b.WriteString("|---|--:|---|---|--:|---|--:|--:|---|\n")
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %s |\n",
			r.Scenario, r.Workers, cmp.Or(r.Setting, "-"), r.Figure, quantity(r.Median, r.Unit), r.spread(), r.verdict())
	}
	for _, f := range t.Failures {
		fmt.Fprintf(&b, "\n%s with %d workers gave no figures: %s\n", f.Scenario, f.Workers, f.Error)
	}
	t.repeat(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

// spread gives the lowest and the highest value.
func (r *row) spread() string {
	low, high := number(slices.Min(r.Values)), number(slices.Max(r.Values))
	if low == high {
		return low
	}
	return low + " to " + high
}

func (r *row) verdict() string {
	if r.Met == nil {
		return "- | - | -"
	}
	ratio, met := "-", "no"
	if r.Ratio != nil {
		ratio = strconv.FormatFloat(*r.Ratio, 'f', 2, 64)
	}
	if *r.Met {
		met = "yes"
	}
	return fmt.Sprintf("%s %s | %s | %s", r.Goal.Op, quantity(r.Goal.Value, r.Unit), ratio, met)
}

// repeat tells for each scenario the command that measures it again.
func (t *table) repeat(b *strings.Builder) {
	if len(t.Rows) == 0 {
		return
	}
	b.WriteString("\n```sh\n")
	last := ""
	for _, r := range t.Rows {
		line := t.Header.command(r.Scenario, r.Workers)
		if line != last {
			b.WriteString(line + "\n")
		}
		last = line
	}
	b.WriteString("```\n")
}

func quantity(v float64, unit string) string {
	return strings.TrimSpace(number(v) + " " + unit)
}

// number has three digits or more.
func number(v float64) string {
	digits := 0
	for a := math.Abs(v); a < 100 && digits < 3; a *= 10 {
		digits++
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func (t *table) json(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(t)
}
