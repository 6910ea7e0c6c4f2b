package purge

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Subjects makes and reads the names under which an installation lives in NATS. Its methods don't check what they are
// given: a caller uses ValidPrefix, ValidSource and ValidID at the door. Any part may be "*" to make a filter.
type Subjects struct {
	// Prefix begins every subject, "purge" unless configured; see ValidPrefix.
	Prefix string
}

// Request returns the subject that source publishes its requests to, such as purge.requests.interactive.ghost.
func (s Subjects) Request(lane Lane, source string) string {
	return s.Prefix + ".requests." + string(lane) + "." + source
}

// ParseRequest reads a subject made by Request. A stream takes any last part, so ok may be false because of the source
// alone: then lane and source still tell what the subject says, bytes that are not UTF-8 as \xff and the like, for an
// event must hold the source.
func (s Subjects) ParseRequest(subject string) (lane Lane, source string, ok bool) {
	rest, ok := s.cut(subject, ".requests.")
	if !ok {
		return "", "", false
	}
	word, source, ok := strings.Cut(rest, ".")
	lane = Lane(word)
	if !ok || lane != Interactive && lane != Bulk {
		return "", "", false
	}
	if !utf8.ValidString(source) {
		quoted := strconv.QuoteToASCII(source)
		source = quoted[1 : len(quoted)-1]
	}
	return lane, source, ValidSource(source)
}

// Event returns the subject of a request's terminal event, such as purge.events.ghost.completed.post-4711-r3.
func (s Subjects) Event(source string, status Status, id string) string {
	return s.Prefix + ".events." + source + "." + string(status) + "." + id
}

// Events returns the filter of all terminal events; the stream of events takes exactly these.
func (s Subjects) Events() string {
	return s.Event("*", "*", "*")
}

// EventOf returns the filter of one request's terminal event, whatever its status: the condition of its publish (I1).
func (s Subjects) EventOf(source, id string) string {
	return s.Event(source, "*", id)
}

// ParseEvent reads a subject made by Event. The id may be a producer's or one that edgepurge made.
func (s Subjects) ParseEvent(subject string) (source string, status Status, id string, ok bool) {
	rest, ok := s.cut(subject, ".events.")
	if !ok {
		return "", "", "", false
	}
	source, rest, _ = strings.Cut(rest, ".")
	word, id, _ := strings.Cut(rest, ".")
	status = Status(word)
	if !ValidSource(source) || !status.known() || !validAnyID(id) {
		return "", "", "", false
	}
	return source, status, id, true
}

// Progress returns the subject of a request's progress, which is published and not stored.
func (s Subjects) Progress(source, id string) string {
	return s.Prefix + ".progress." + source + "." + id
}

// Dead returns the subject of a dead letter: the code in kebab case, then the source. IdReused becomes id-reused,
// InvalidParameter.Target invalid-parameter-target.
func (s Subjects) Dead(code, source string) string {
	return s.Prefix + ".dead." + kebab(code) + "." + source
}

// DeadLetters returns the filter of all dead letters.
func (s Subjects) DeadLetters() string {
	return s.Prefix + ".dead.*.*"
}

// Stream returns the name of a stream: the prefix and name in upper case, such as PURGE_REQUESTS.
func (s Subjects) Stream(name string) string {
	return strings.ToUpper(s.Prefix + "_" + name)
}

func (s Subjects) cut(subject, kind string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(subject, s.Prefix)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(rest, kind)
}

// A code may be EdgeOne's and so of any form; its name in a subject is at most this long.
const maxKebab = 64

func kebab(code string) string {
	name := make([]byte, 0, maxKebab)
	for i := 0; i < len(code) && len(name) < maxKebab-1; i++ {
		c := code[i]
		alphanumeric := isLower(c) || isUpper(c) || isDigit(c)
		if (!alphanumeric || beginsWord(code, i)) && len(name) > 0 && name[len(name)-1] != '-' {
			name = append(name, '-')
		}
		if alphanumeric {
			name = append(name, strings.ToLower(code[i:i+1])...)
		}
	}
	if word := strings.TrimRight(string(name), "-"); word != "" {
		return word
	}
	return "unknown"
}

// beginsWord reports whether a word begins with the capital at i: the F of UnknownField, the N of IPNotAllowed.
func beginsWord(code string, i int) bool {
	if i == 0 || !isUpper(code[i]) {
		return false
	}
	return !isUpper(code[i-1]) || i+1 < len(code) && isLower(code[i+1])
}
