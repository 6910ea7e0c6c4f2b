package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

const docsHead = `# Commands

What ` + "`edgepurge … --help`" + ` says, on one page. It is written by

` + "```sh\ngo test ./cmd/edgepurge -run TestDocs -update\n```\n" + `
Exit codes: 0 everything completed, 3 some did, 1 none did or it could not run, 2 usage or configuration, 4 timeout, 130
interrupted. ` + "`go run ./cmd/edgepurge …`" + ` turns every other than 0 into 1, and prints ` + "`exit status N`" + `.
`

// docs/cli.md is what the commands say of themselves. After a change: go test ./cmd/edgepurge -run TestDocs -update
func TestDocs_AreWhatTheCommandsSay(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "cli.md")
	root := newRoot()
	var page strings.Builder
	page.WriteString(docsHead)
	describe(&page, root)
	if *update {
		if err := os.WriteFile(file, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), page.String()); diff != "" {
		t.Errorf("docs/cli.md (-file +commands); write it anew with -update:\n%s", diff)
	}
}

// describe writes the section of a command, then those of the commands below it.
func describe(page *strings.Builder, cmd *cobra.Command) {
	if cmd.Hidden || cmd.IsAdditionalHelpTopicCommand() || cmd.Name() == "help" {
		return
	}
	_, _ = fmt.Fprintf(page, "\n## %s\n\n%s\n", cmd.CommandPath(), prose(cmd))
	if cmd.Runnable() && !cmd.HasSubCommands() {
		fence(page, "", cmd.UseLine())
	}
	fence(page, "sh", outdent(cmd.Example))
	fence(page, "", strings.TrimRight(cmd.LocalFlags().FlagUsages(), "\n"))
	for _, below := range cmd.Commands() {
		describe(page, below)
	}
}

func prose(cmd *cobra.Command) string {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	if text = strings.TrimSpace(text); !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

func fence(page *strings.Builder, language, text string) {
	if strings.TrimSpace(text) != "" {
		_, _ = fmt.Fprintf(page, "\n```%s\n%s\n```\n", language, text)
	}
}

// outdent takes off the two spaces that cobra wants examples to begin with.
func outdent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
