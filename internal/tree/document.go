package tree

import (
	"regexp"
	"strings"
	"testing"
)

// Blocks returns the fenced blocks of a language in a document.
func Blocks(t testing.TB, file, language string) []string {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$")
	var all []string
	for _, m := range fence.FindAllStringSubmatch(string(Read(t, file)), -1) {
		all = append(all, m[1])
	}
	return all
}

// Table returns the cells of the rows of the table whose first column has this title.
func Table(t testing.TB, file, title string) [][]string {
	t.Helper()
	_, text, ok := strings.Cut(string(Read(t, file)), "\n| "+title+" |")
	if !ok {
		t.Fatalf("%s: got no table of %ss, want one", file, title)
	}
	var rows [][]string
	for i, line := range strings.Split(text, "\n") {
		if i < 2 { // the rest of the title, and the rule below it
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) < 2 {
			break
		}
		rows = append(rows, cells)
	}
	return rows
}

// Unquote returns a cell without the backquotes around it.
func Unquote(cell string) string { return strings.Trim(strings.TrimSpace(cell), "`") }
