//go:build thorough

package e2e_test

// thorough has tests wait for what takes minutes.
const thorough = true

// some gives all of a table.
func some[T any](all []T, _ ...int) []T { return all }
