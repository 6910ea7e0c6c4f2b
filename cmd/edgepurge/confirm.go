package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/edgepurge/edgepurge/internal/summary"
	"github.com/edgepurge/edgepurge/purge"
)

// question is what is asked before a purge of whole hosts or of a whole zone, which sends every visitor to the origin.
type question struct {
	typ  purge.Type
	what []string // the hosts, or the zone
	yes  bool     // it was answered on the command line
	in   io.Reader
	out  io.Writer
	// terminal says that a person answers at in.
	terminal bool
}

// clipped joins what may be too long for a line.
func clipped(all []string) string {
	some := make([]string, len(all))
	for i, s := range all {
		some[i] = summary.Clip(s)
	}
	return strings.Join(some, ", ")
}

// isTerminal reports whether a person may answer there.
func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ask returns nil where the answer is yes, or nothing has to be asked.
func (q question) ask() error {
	if q.yes || q.typ != purge.Host && q.typ != purge.All {
		return nil
	}
	what := "the whole zone " + q.what[0]
	if q.typ == purge.Host {
		const shown = 3
		what = "everything of " + clipped(q.what[:min(len(q.what), shown)])
		if more := len(q.what) - shown; more > 0 {
			what += " and " + count(more, "more host")
		}
	}
	if !q.terminal {
		return usage("--type %s purges %s: give --yes to confirm it, since there is no terminal to ask at", q.typ, what)
	}
	_, _ = fmt.Fprintf(q.out, "This purges %s. Go on? [y/N] ", what)
	answer, _ := bufio.NewReader(q.in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return exit{exitNone, errors.New("not confirmed; nothing was sent")}
}
