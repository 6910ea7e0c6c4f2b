//go:build !thorough

package e2e_test

// thorough has tests wait for what takes minutes.
const thorough = false

// some gives those of a table that every run goes through; with -tags thorough all of it is.
func some[T any](all []T, brief ...int) []T {
	picked := make([]T, len(brief))
	for i, n := range brief {
		picked[i] = all[n]
	}
	return picked
}
