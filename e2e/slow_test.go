//go:build slow || thorough

package e2e_test

// lengthy has tests do what takes a minute more.
const lengthy = true
