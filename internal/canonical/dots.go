package canonical

import "strings"

// maxAdvice is how long a URL may be that a fault recommends, in bytes.
const maxAdvice = 512

// checkPath refuses the paths that ask for nothing: clients resolve dot segments before they ask, and EdgeOne has no
// wildcards. base is scheme and authority, tail all behind it, both canonical.
func checkPath(kind, base, tail string) error {
	path, query, _ := strings.Cut(tail, "?")
	if hasDotSegment(path) {
		return TargetError("the path has the segment . or .., which clients resolve before they ask; " +
			adviceTo("write ", base+resolve(path)+tail[len(path):], "write the URL without it"))
	}
	below, ok := strings.CutSuffix(tail, "/*")
	switch {
	case !ok:
		return nil
	case query != "":
		return TargetError("the URL ends in /*, and EdgeOne has no wildcards; write %2A where the star is meant as it is")
	case kind == typePrefix:
		return TargetError("the prefix ends in /*, and needs no star: " +
			adviceTo("write ", base+below+"/", "drop the star") + ", which means everything below")
	}
	return TargetError("the URL ends in /*, and EdgeOne has no wildcards; for everything below use type prefix without the star" +
		adviceTo(": ", base+below+"/", ""))
}

func adviceTo(before, url, otherwise string) string {
	if len(url) > maxAdvice {
		return otherwise
	}
	return before + url
}

// hasDotSegment reports whether a segment of path is "." or "..", also percent-encoded.
func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if dots(segment) > 0 {
			return true
		}
	}
	return false
}

// dots returns 1 for the segment ".", 2 for "..", and 0 for every other.
func dots(segment string) int {
	n := 0
	for ; segment != "" && n < 3; n++ {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && segment[:2] == "%2" && segment[2]|0x20 == 'e':
			segment = segment[3:]
		default:
			return 0
		}
	}
	if n > 2 {
		return 0
	}
	return n
}

// resolve removes the dot segments of an absolute path, as RFC 3986 (section 5.2.4) has it.
func resolve(path string) string {
	segments := strings.Split(path[1:], "/")
	kept := make([]string, 0, len(segments)+1)
	for i, segment := range segments {
		n := dots(segment)
		if n == 0 {
			kept = append(kept, segment)
			continue
		}
		if n == 2 && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
