package docs_test

import (
	"regexp"
	"testing"

	"github.com/edgepurge/edgepurge/internal/tree"
)

// A command in these documents stands in a block that a test runs: sh, or console where its output
// is shown.
func TestDocs_CommandsStandInBlocksThatAreRun(t *testing.T) {
	t.Parallel()
	anyBlock := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	commands := regexp.MustCompile(`(?m)^\$? ?(edgepurge (run|submit|status|events|dead|quota|setup|config)\b|curl |kill |go run |export )`)
	for _, file := range []string{"README.md", "docs/cli.md", "docs/operating.md"} {
		for _, m := range anyBlock.FindAllStringSubmatch(string(tree.Read(t, file)), -1) {
			usage := file == "docs/cli.md" && m[1] == "" // the line of a command's synopsis
			if m[1] != "sh" && m[1] != "console" && !usage && commands.MatchString(m[2]) {
				t.Errorf("%s: no test runs this block of kind %q:\n%s", file, m[1], m[2])
			}
		}
	}
}
