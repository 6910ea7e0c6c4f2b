package kit

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of a program that a test calls and that Go does not bring, such as curl.
// Where the program is missing the test is skipped, and the message says where to get it. In CI
// (variable CI) a missing program is a failure, so that no test stays out unnoticed.
func Need(t testing.TB, program, from string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed: install %s", program, from)
	}
	t.Skipf("%s is not installed; it comes with %s", program, from)
	return ""
}
