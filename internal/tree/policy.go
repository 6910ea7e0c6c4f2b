package tree

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Policy is the policy of imports, read: see arch_test.go for how it is written.
type Policy struct {
	// Floor has the floor of each package of this module that the policy names.
	Floor map[string]int

	beside  map[[2]string]bool  // {importer, imported}, both of one floor
	only    map[string][]string // package or path from outside -> importers, or "2+"
	without map[string][]string // package -> packages of the standard library
}

// Refuses returns why pkg may not import the path; it is empty when it may.
func (r *Policy) Refuses(pkg, imported string) string {
	if own, ok := strings.CutPrefix(imported, Module+"/"); ok {
		return r.refusesOwn(pkg, own)
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		if slices.Contains(r.without[pkg], imported) {
			return "this package does without it"
		}
		return ""
	}
	for outside, importers := range r.only {
		if imported == outside || strings.HasPrefix(imported, outside+"/") {
			return r.refusesBut(pkg, importers)
		}
	}
	return "nobody may import it: say in the policy who may, and what it is needed for"
}

func (r *Policy) refusesOwn(pkg, own string) string {
	floor, ok := r.Floor[own]
	switch {
	case !ok:
		return own + " has no floor"
	case floor > r.Floor[pkg]:
		return fmt.Sprintf("floor %d does not know floor %d", r.Floor[pkg], floor)
	case floor == r.Floor[pkg] && !r.beside[[2]string{pkg, own}]:
		return fmt.Sprintf("both are on floor %d", floor)
	case r.only[own] != nil:
		return r.refusesBut(pkg, r.only[own])
	}
	return ""
}

func (r *Policy) refusesBut(pkg string, importers []string) string {
	for _, who := range importers {
		n, up := strings.CutSuffix(who, "+")
		floor, err := strconv.Atoi(n)
		if who == pkg || up && err == nil && r.Floor[pkg] >= floor {
			return ""
		}
	}
	return "only these may import it: " + strings.Join(importers, ", ")
}

// ParsePolicy reads the text of a policy.
func ParsePolicy(t testing.TB, text string) *Policy {
	t.Helper()
	r := &Policy{
		Floor: make(map[string]int), beside: make(map[[2]string]bool),
		only: make(map[string][]string), without: make(map[string][]string),
	}
	var head []string
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case !strings.HasPrefix(line, "\t"):
			head = words
		case len(head) == 0 || !r.take(head, words):
			t.Fatalf("policy, line %d: can't read %q", i+1, strings.TrimSpace(line))
		}
	}
	return r
}

// take reads one line below a head; false when it makes no sense there.
func (r *Policy) take(head, words []string) bool {
	switch head[0] {
	case "floor":
		floor, err := strconv.Atoi(strings.TrimSuffix(head[1], ":"))
		return err == nil && r.takeFloor(floor, words)
	case "only":
		name, ok := strings.CutSuffix(words[0], ":")
		r.only[name] = append(r.only[name], words[1:]...)
		return ok && len(words) > 1
	case "without":
		for _, pkg := range words {
			r.without[pkg] = append(r.without[pkg], head[1:]...)
		}
		return true
	}
	return false
}

// takeFloor reads "package" or "imported < importer".
func (r *Policy) takeFloor(floor int, words []string) bool {
	importer := words[len(words)-1]
	if have, ok := r.Floor[importer]; ok && have != floor {
		return false
	}
	r.Floor[importer] = floor
	if len(words) == 1 {
		return true
	}
	imported := words[0]
	r.beside[[2]string{importer, imported}] = true
	have, ok := r.Floor[imported]
	return len(words) == 3 && words[1] == "<" && ok && have == floor
}
