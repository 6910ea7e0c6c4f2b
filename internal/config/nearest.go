package config

import (
	"cmp"
	"slices"
	"strings"
)

// suggestion tells which of the known names (at least one) comes nearest to an unknown one. Names are words joined by
// sep; a known name that ends in the whole unknown one (endpoint, edgeone.endpoint) is as near as can be.
func suggestion(name string, known []string, sep string) string {
	if likely := slip(name, known, sep); likely != "" {
		return likely
	}
	// Then a name of the same section helps more than one of like letters.
	name = clip(name)
	best := slices.MinFunc(known, func(a, b string) int {
		return cmp.Or(
			cmp.Compare(shared(name, b), shared(name, a)),
			cmp.Compare(editDistance(name, a), editDistance(name, b)),
		)
	})
	return "; the nearest known name is " + best
}

// slip is suggestion for names that are so near that the unknown one is a slip of the keyboard, else nothing.
func slip(name string, known []string, sep string) string {
	name = clip(name)
	bare := strings.TrimPrefix(name, variablePrefix)
	distance := func(candidate string) int {
		if strings.HasSuffix(candidate, sep+bare) {
			return 0
		}
		return editDistance(name, candidate)
	}
	best := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	if distance(best) > max(2, len(bare)/3) {
		return ""
	}
	return "; did you mean " + best + "?"
}

// clip bounds the cost of a distance, which is the product of both lengths.
func clip(name string) string { return name[:min(len(name), 80)] }

// shared is the length of the beginning that a and b have in common.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// editDistance is the least number of bytes to insert, delete or replace to make b of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
