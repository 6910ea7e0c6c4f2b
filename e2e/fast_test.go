//go:build !slow && !thorough

package e2e_test

// lengthy has tests do what takes a minute more.
const lengthy = false

// turn reports whether the i-th variation of a test is one of those that every run goes through: each n-th is. With
// -tags slow all of them are.
func turn(i, n int) bool { return i%n == 0 }
