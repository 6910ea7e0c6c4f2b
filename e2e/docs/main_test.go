package docs_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// contents is what stands in a file that a test has made.
func contents(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// usage is the line of a help text that names the command.
var usage = regexp.MustCompile(`(?m)^Usage:\n  edgepurge[a-z ]*`)

// built is edgepurge, built once for all tests that run it.
var built = kit.NewOnce("edgepurge", kit.Edgepurge)

func TestMain(m *testing.M) {
	kit.Parallel(12)
	os.Exit(built.Main(m))
}

// program is the path of edgepurge.
type program string

func build(t *testing.T) program {
	t.Helper()
	return program(built.Path(t))
}

// help gives what the program says of a command line with --help, which it parses before it
// answers.
func (p program) help(t *testing.T, args []string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), string(p), append(args, "--help")...).CombinedOutput()
	if err != nil {
		t.Errorf("edgepurge %s: %v\n%s", strings.Join(args, " "), err, out)
		return ""
	}
	// An unknown command is answered with the help of the one above it, which has commands.
	text := string(out)
	path := strings.Fields(usage.FindString(text))[2:]
	if len(path) == 0 || strings.Contains(text, " [command]\n") && len(path) < len(args) {
		t.Errorf("edgepurge %s: no such command", strings.Join(args, " "))
	}
	return text
}
