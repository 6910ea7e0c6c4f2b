package record

import (
	"net/url"
	"strings"

	"github.com/edgepurge/edgepurge/purge"
)

// Pair finds, for each name by which EdgeOne's answer lists a target, which of the targets that
// were sent is meant, and returns its index; -1 where that is not certain. sent must be distinct.
//
// An equal spelling decides first. What is left is compared in looser forms, and a form counts only
// where one target and one name have it: distinct targets that share a looser form are never taken
// for each other. A name that is given twice is paired once by its spelling, and again only with a
// target that is the same by RFC 3986.
func Pair(t purge.Type, sent, names []string) []int {
	p := pairing{sent: sent, names: names, of: make([]int, len(names)), taken: make([]bool, len(sent))}
	p.byForm(func(s string) string { return s }, true)
	for i, form := range forms(t) {
		if i > 0 {
			p.dropRepeated()
		}
		p.byForm(form, false)
	}
	return p.of
}

// dropRepeated leaves out names that have a target already under the same spelling: in the forms
// that follow they would be taken for another target that is merely similar.
func (p *pairing) dropRepeated() {
	paired := make(map[string]bool)
	for i, name := range p.names {
		if p.of[i] >= 0 {
			paired[name] = true
		}
	}
	p.out = make([]bool, len(p.names))
	for i, name := range p.names {
		p.out[i] = p.of[i] < 0 && paired[name]
	}
}

// forms returns the forms in which spellings are compared, the strictest first. A target that is
// equal to another in one form is equal to it in all that follow.
func forms(t purge.Type) []func(string) string {
	if t == purge.Tag || t == purge.All {
		return nil // a tag has one spelling
	}
	return []func(string) string{
		func(s string) string { return Echo(t, s) },
		func(s string) string { return loose(t, s) },
	}
}

type pairing struct {
	sent, names []string
	of          []int  // for each name: the index of its target, noPair or, at first, none
	taken       []bool // for each target: it has its name
	out         []bool // for each name: it is not compared any more; nil: all are
	left        int
	begun       bool
}

// byForm pairs what is left and has a form that no other target and no other name has. first lets
// the first of several equal names have the target.
func (p *pairing) byForm(form func(string) string, first bool) {
	if !p.begun {
		p.begun, p.left = true, len(p.sent)
		for i := range p.of {
			p.of[i] = -1
		}
	}
	if p.left == 0 {
		return
	}
	const several = -1
	of := make(map[string]int, p.left)
	for i, target := range p.sent {
		if p.taken[i] {
			continue
		}
		f := form(target)
		if _, ok := of[f]; ok {
			i = several
		}
		of[f] = i
	}
	times := make(map[string]int)
	if !first {
		for i, name := range p.names {
			if p.open(i) {
				times[form(name)]++
			}
		}
	}
	for i, name := range p.names {
		if !p.open(i) {
			continue
		}
		f := form(name)
		at, ok := of[f]
		if !ok || at == several || p.taken[at] || times[f] > 1 {
			continue
		}
		p.of[i], p.taken[at] = at, true
		p.left--
	}
}

// open reports whether a name has no target yet and may get one.
func (p *pairing) open(i int) bool { return p.of[i] < 0 && (p.out == nil || !p.out[i]) }

// loose is the loosest form of a target: escapes are decoded, the host has no case, root dot, port
// or punycode, and a slash at the end makes no difference.
func loose(t purge.Type, target string) string {
	scheme, rest := "", Echo(t, target)
	if t != purge.Host {
		if before, after, ok := strings.Cut(rest, "://"); ok {
			scheme, rest = strings.ToLower(before)+"://", after
		}
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, path := rest[:end], rest[end:]
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
		host = host[:at]
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if c, err := purge.Canonical(purge.Host, host); err == nil {
		host = c
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return scheme + host + strings.TrimSuffix(path, "/")
}
