package purge

import (
	"encoding/json"
	"iter"
)

// scanner reads JSON front to back. It stands in for encoding/json, which takes names in any case and stops at the first
// fault, while a request needs exact names, and its id even when the rest is bad; and it takes a quarter of the time. It
// accepts what encoding/json accepts, and leaves the odd parts to it: escapes, numbers, and values nobody asked for.
type scanner struct {
	data   []byte
	at     int
	broken bool // what follows is not JSON; nothing more is read
}

// next skips white space and returns the byte that follows, or 0 at the end and once the scanner is broken.
func (s *scanner) next() byte {
	for s.at < len(s.data) && !s.broken {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// take moves past c if it comes next.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// members yields the names of the object that comes next, and nothing for a value of another kind, which it skips. The
// body of the loop reads or skips each value.
func (s *scanner) members() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for range s.list('{', '}') {
			if s.next() != '"' {
				s.broken = true
				return
			}
			name, _ := s.text()
			if !s.take(':') {
				s.broken = true
				return
			}
			if !yield(name) {
				return
			}
		}
	}
}

// elements yields the index of each element of the array that comes next, as members does for objects.
func (s *scanner) elements() iter.Seq[int] {
	return s.list('[', ']')
}

func (s *scanner) list(begin, end byte) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !s.take(begin) {
			s.skip()
			return
		}
		if s.take(end) {
			return
		}
		for i := 0; yield(i); i++ {
			if s.take(end) {
				return
			}
			if !s.take(',') {
				s.broken = true
				return
			}
		}
	}
}

// text returns the string that comes next, valid until data changes; ok is false for a value of another kind, which it skips.
func (s *scanner) text() (text []byte, ok bool) {
	if s.next() != '"' {
		s.skip()
		return nil, false
	}
	begin := s.at
	escaped := s.passString()
	if s.broken {
		return nil, false
	}
	if !escaped {
		return s.data[begin+1 : s.at-1], true
	}
	var unescaped string
	if err := json.Unmarshal(s.data[begin:s.at], &unescaped); err != nil {
		s.broken = true
		return nil, false
	}
	return []byte(unescaped), true
}

// literal moves past word, one of null, true and false, if it comes next.
func (s *scanner) literal(word string) bool {
	if s.next() != word[0] {
		return false
	}
	// No other value begins with the same letter.
	s.broken = s.broken || string(s.extent()) != word
	return !s.broken
}

// skip moves past the value that comes next.
func (s *scanner) skip() {
	if !json.Valid(s.extent()) {
		s.broken = true
	}
}

// extent moves past the value that comes next and returns its bytes, which need not be JSON. It keeps no stack, so that
// depth costs no memory.
func (s *scanner) extent() []byte {
	s.next()
	begin, depth := s.at, 0
	for s.at < len(s.data) && !s.broken {
		switch s.data[s.at] {
		case '"':
			s.passString()
			if depth == 0 {
				return s.data[begin:s.at]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.at++
			}
			if depth <= 0 {
				return s.data[begin:s.at]
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return s.data[begin:s.at]
			}
		}
		s.at++
	}
	return s.data[begin:s.at]
}

// passString moves past the string that begins here.
func (s *scanner) passString() (escaped bool) {
	for i := s.at + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			return escaped
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			s.broken = true
			return false
		}
	}
	s.broken = true
	return false
}
