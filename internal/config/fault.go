package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Fault is one thing that is wrong with a configuration. Its text is a single line and holds no secret.
type Fault struct {
	Where   string // file and line, or variable; empty where neither is known
	Line    int    // in the file; 0 for what is not of the file
	Key     string // path of the key, such as tracker.poll_min; empty for faults of the file as a whole
	Message string // what is wrong and what to do
}

// Error returns the parts that are there, joined by colons.
func (f Fault) Error() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{f.Where, f.Key, f.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.Join(parts, ": "))
}

// Faults are all things that are wrong with a configuration: those of the file in its order, then those of variables,
// then those that only the whole shows. It is what the errors of this package are made of.
type Faults []Fault

// Error returns one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, 0, len(f))
	for _, fault := range f {
		lines = append(lines, fault.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each fault as an error.
func (f Faults) Unwrap() []error {
	errs := make([]error, 0, len(f))
	for _, fault := range f {
		errs = append(errs, fault)
	}
	return errs
}

// byLine puts the faults of a file in its order.
func (f Faults) byLine() {
	slices.SortStableFunc(f, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
}

// err returns f as an error that is nil when there is no fault.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// show quotes a value for a message. Where quotes or indentation of the file went wrong, a value may have swallowed the
// line of a secret, and an address may hold a password: such values, and long ones, are not shown (I6).
func show(value string) string {
	const longest = 64
	lower := strings.ToLower(value)
	for _, word := range []string{"secret", "password", "token", "@", "\n", ": "} {
		if strings.Contains(lower, word) {
			return "the value"
		}
	}
	if len(value) > longest {
		return "the value"
	}
	return strconv.Quote(value)
}
