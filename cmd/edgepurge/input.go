package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/edgepurge/edgepurge/internal/summary"
	"github.com/edgepurge/edgepurge/purge"
)

// blanks are what is dropped at the ends of a line.
const blanks = " \t\r\n\v\f"

// byteOrderMark is what some editors begin a file with.
const byteOrderMark = "\ufeff"

// readFiles reads one target a line of each file; "-" is standard input. The files are read whole before anything is done
// with them: one that is no list is refused.
func readFiles(in io.Reader, files []string, typ purge.Type) ([]string, error) {
	var targets []string
	for i, file := range files {
		if file == "-" && slices.Contains(files[:i], "-") {
			return nil, usage("read targets: standard input (-) can be read only once")
		}
		some, err := readTargets(in, file, typ)
		if err != nil {
			return nil, err
		}
		targets = append(targets, some...)
	}
	return targets, nil
}

// readTargets reads one target a line. A byte-order mark at the start and blanks around a line are dropped; blank lines and
// those that begin with # are skipped.
func readTargets(in io.Reader, file string, typ purge.Type) ([]string, error) {
	name := file
	if file == "-" {
		name = "standard input"
	} else {
		f, err := os.Open(file)
		if err != nil {
			return nil, usage("read targets: %s: %w", file, bare(err))
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	var targets []string
	n := 0
	for line, err := range lines(in) {
		if err != nil {
			return nil, usage("read targets: %s: %w", name, bare(err))
		}
		if n++; n == 1 {
			line = strings.TrimPrefix(line, byteOrderMark)
			if why := noText(line); why != "" {
				return nil, noList(name, n, why)
			}
		}
		line = strings.Trim(line, blanks)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(targets) == 0 {
			if why := noTarget(line, typ); why != "" {
				return nil, noList(name, n, why)
			}
		}
		targets = append(targets, line)
	}
	if len(targets) == 0 {
		return nil, usage("read targets: %s has none", name)
	}
	return targets, nil
}

func noList(name string, line int, why string) error {
	return usage("read targets: %s, line %d: %s; nothing was sent", name, line, why)
}

// bare takes the name of the file, which is said already, out of an error.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// noText says why a file that begins so is no text in UTF-8.
func noText(begin string) string {
	for _, kind := range []struct{ magic, name string }{
		{"\x1f\x8b", "gzip"}, {"PK\x03\x04", "zip"}, {"BZh", "bzip2"}, {"\xfd7zXZ\x00", "xz"}, {"\x28\xb5\x2f\xfd", "zstd"},
	} {
		if strings.HasPrefix(begin, kind.magic) {
			return fmt.Sprintf("the file is compressed (%s): unpack it first, and give one target a line", kind.name)
		}
	}
	if strings.HasPrefix(begin, "\xff\xfe") || strings.HasPrefix(begin, "\xfe\xff") {
		return "the file is in UTF-16: save it as UTF-8, one target a line"
	}
	return ""
}

// noTarget says why a file whose first target would be this line is no list of targets. Later lines are published as they
// are: what is not valid ends as rejected.
func noTarget(line string, typ purge.Type) string {
	lower := strings.ToLower(line)
	switch {
	case markup(lower):
		if strings.HasPrefix(lower, "<!doctype html") || strings.HasPrefix(lower, "<html") {
			return "the file is HTML: give one target a line"
		}
		return "the file is XML; sitemaps are not supported yet: give one target a line"
	case strings.Contains(line, "\t"):
		return "there are several columns, separated by tabs: give one target a line"
	case strings.Count(lower, "http://")+strings.Count(lower, "https://") > 1:
		return "there are several URLs in the first line: give one target a line (where it is one URL that contains another, " +
			"put a different line first)"
	case columnNames(lower, typ):
		return fmt.Sprintf("%q looks like the column names of a CSV file: give one target a line, without a header", short(line))
	}
	return ""
}

// markup reports whether a line begins like XML or HTML: with "<" and a name, "?" or "!".
func markup(line string) bool {
	return len(line) > 1 && line[0] == '<' && (line[1] == '?' || line[1] == '!' || 'a' <= line[1] && line[1] <= 'z')
}

// columns are the names that lists of pages have above a column, in lower case.
var columns = map[purge.Type][]string{
	purge.URL: {
		"url", "urls", "uri", "uris", "loc", "link", "links", "href", "address", "page", "pages", "page url", "page_url",
		"landing page", "landing_page", "top pages", "permalink", "location", "target", "targets", "path", "full url",
		"full_url", "canonical", "lastmod",
	},
	purge.Prefix: {"prefix", "prefixes", "url", "urls", "uri", "path", "directory", "target", "targets"},
	purge.Host:   {"host", "hosts", "hostname", "hostnames", "domain", "domains", "target", "targets"},
	purge.Tag:    {}, // any word may be a tag; but a comma may be in none
}

// columnNames reports whether a line, in lower case, is the header of a CSV file.
func columnNames(line string, typ purge.Type) bool {
	if strings.Contains(line, "://") {
		return false
	}
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ';' || r == '|' })
	names := columns[typ]
	if typ == purge.Tag && len(fields) > 1 {
		names = []string{"tag", "tags", "name", "host", "hosts", "url"}
	}
	return slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(names, strings.Trim(f, ` "'`)) })
}

// short is the begin of a text that may be long.
func short(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	end := most
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// longestLine is what is kept of a line: more than a target may have, so that it is refused like any other that is not
// valid, and less than a message takes.
const longestLine = 64 << 10

// lines gives the lines of a text, cut off where they are too long.
func lines(in io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		r := bufio.NewReader(in)
		var line []byte
		for {
			piece, more, err := r.ReadLine()
			if errors.Is(err, io.EOF) {
				if len(line) > 0 { // the last one ends where a piece of it did
					yield(string(line), nil)
				}
				return
			}
			if err != nil {
				yield("", err)
				return
			}
			line = append(line, piece[:min(len(piece), longestLine-len(line))]...)
			if more {
				continue
			}
			if !yield(string(line), nil) {
				return
			}
			line = line[:0]
		}
	}
}

// hintAtFiles says how a list is given, where targets are no URLs and are names of files.
func hintAtFiles(out io.Writer, typ purge.Type, targets []string) {
	if typ != purge.URL && typ != purge.Prefix {
		return
	}
	for _, t := range targets {
		if strings.Contains(t, "://") {
			continue
		}
		if info, err := os.Stat(t); err == nil && info.Mode().IsRegular() {
			_, _ = fmt.Fprintf(out, "%s is a file; to purge the targets in it, use --file %s\n", plain(summary.Clip(t)), plain(summary.Clip(t)))
		}
	}
}
