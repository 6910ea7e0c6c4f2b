//go:build slow || thorough

package e2e_test

// lengthy has tests do what takes a minute more.
const lengthy = true

// turn lets every run go through all variations of a test.
func turn(int, int) bool { return true }
