package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

func TestQuestion_IsAskedBeforeMuchIsPurged(t *testing.T) {
	hosts := []string{"a.example", "b.example", "c.example", "d.example", "e.example"}
	for name, c := range map[string]struct {
		q      question
		answer string
		code   int
		asked  string // in what is printed
	}{
		"a page":              {question{typ: purge.URL, what: hosts, terminal: true}, "", exitOK, ""},
		"yes beforehand":      {question{typ: purge.All, what: []string{"zone-a"}, yes: true}, "", exitOK, ""},
		"no terminal":         {question{typ: purge.Host, what: hosts}, "y\n", exitUsage, ""},
		"a zone, no one":      {question{typ: purge.All, what: []string{"zone-a"}}, "y\n", exitUsage, ""},
		"y":                   {question{typ: purge.Host, what: hosts, terminal: true}, "y\n", exitOK, "a.example, b.example, c.example and 2 more hosts"},
		"yes":                 {question{typ: purge.All, what: []string{"zone-a"}, terminal: true}, " YES \n", exitOK, "the whole zone zone-a"},
		"no":                  {question{typ: purge.Host, what: hosts[:1], terminal: true}, "n\n", exitNone, "everything of a.example. Go on? [y/N]"},
		"nothing":             {question{typ: purge.Host, what: hosts[:4], terminal: true}, "\n", exitNone, "and 1 more host."},
		"the end of the file": {question{typ: purge.All, what: []string{"zone-a"}, terminal: true}, "", exitNone, "zone-a"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			c.q.in, c.q.out = strings.NewReader(c.answer), &out
			err, code := c.q.ask(), exitOK
			if e, ok := errors.AsType[exit](err); ok {
				code = e.code
			} else if err != nil {
				t.Errorf("got %v without an exit code", err)
			}
			if code != c.code || (out.Len() > 0) != (c.asked != "") || !strings.Contains(out.String(), c.asked) {
				t.Errorf("got %v, exit code %d, asked %q; want %d, %q", err, code, out.String(), c.code, c.asked)
			}
			if code == exitUsage && !strings.Contains(err.Error(), "--yes") {
				t.Errorf("got %v, want --yes named", err)
			}
		})
	}
}
