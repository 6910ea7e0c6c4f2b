package emulator

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"
)

// decoder reads the JSON of a request body as strictly as the API does: names are case sensitive; unknown and
// repeated names, other types and trailing bytes are refused. A null counts as absent. It is our own because
// encoding/json folds the case of names and lets repeats pass.
//
// Each reader leaves its destination alone where the value is null, so a default set before stays.
type decoder struct {
	body []byte
	at   int
}

// decodeBody reads a body that must be one object; member reads the value of each name.
func decodeBody(body []byte, member func(d *decoder, name string) *refusal) *refusal {
	if !utf8.Valid(body) {
		return refuse(codeInvalidParameter, "The request body is not UTF-8.")
	}
	d := &decoder{body: body}
	if d.peek() != '{' {
		return refuse(codeInvalidParameter, "The request body is not a JSON object.")
	}
	if r := d.members(func(name string) *refusal { return member(d, name) }); r != nil {
		return r
	}
	if d.peek(); d.at != len(d.body) {
		return d.malformed()
	}
	return nil
}

func unknownParameter(name string) *refusal {
	return refuse(codeUnknownParameter, "The parameter `%s` is not recognized.", name)
}

// text reads a string.
func (d *decoder) text(name string, to *string) *refusal {
	if d.null() {
		return nil
	}
	raw, r := d.quoted(name)
	if r == nil {
		*to = string(raw)
	}
	return r
}

// texts reads an array of strings.
func (d *decoder) texts(name string, to *list) *refusal {
	if d.null() {
		return nil
	}
	if d.peek() != '[' {
		return wrongType(name, "an array")
	}
	b := listBuilder{text: make([]byte, 0, len(d.body)-d.at)}
	r := d.items(']', func() *refusal {
		raw, r := d.quoted(name)
		if r == nil {
			b.addBytes(raw)
		}
		return r
	})
	*to = b.list()
	return r
}

// integer reads a whole number that is written as one.
func (d *decoder) integer(name string, to *int) *refusal {
	if d.null() {
		return nil
	}
	d.peek()
	from := d.at
	for d.at < len(d.body) && (d.body[d.at] == '-' || d.body[d.at]-'0' <= 9) {
		d.at++
	}
	digits := string(d.body[from:d.at])
	n, err := strconv.Atoi(digits)
	if err != nil || strconv.Itoa(n) != digits || d.at < len(d.body) && (d.body[d.at] == '.' || d.body[d.at]|0x20 == 'e') {
		return wrongType(name, "an integer")
	}
	*to = n
	return nil
}

// boolean reads true or false.
func (d *decoder) boolean(name string, to *bool) *refusal {
	switch {
	case d.null():
	case d.word("true"):
		*to = true
	case d.word("false"):
		*to = false
	default:
		return wrongType(name, "a boolean")
	}
	return nil
}

// object reads an object; it tells whether there was one.
func (d *decoder) object(name string, member func(name string) *refusal) (given bool, r *refusal) {
	if d.null() {
		return false, nil
	}
	if d.peek() != '{' {
		return false, wrongType(name, "an object")
	}
	return true, d.members(member)
}

// objects reads an array of objects; element reads the next one by way of object.
func (d *decoder) objects(name string, element func() *refusal) *refusal {
	if d.null() {
		return nil
	}
	if d.peek() != '[' {
		return wrongType(name, "an array")
	}
	return d.items(']', element)
}

func (d *decoder) members(member func(name string) *refusal) *refusal {
	var room [16]string
	names := room[:0]
	return d.items('}', func() *refusal {
		if d.peek() != '"' {
			return d.malformed()
		}
		raw, r := d.quoted("")
		if r != nil {
			return r
		}
		name := string(raw)
		if slices.Contains(names, name) {
			return refuse(codeInvalidParameter, "The parameter `%s` is given more than once.", name)
		}
		names = append(names, name)
		if d.peek() != ':' {
			return d.malformed()
		}
		d.at++
		return member(name)
	})
}

// items walks what stands between the bracket at hand and its end; item reads one element.
func (d *decoder) items(end byte, item func() *refusal) *refusal {
	d.at++
	if d.peek() == end {
		d.at++
		return nil
	}
	for {
		if r := item(); r != nil {
			return r
		}
		switch d.peek() {
		case ',':
			d.at++
		case end:
			d.at++
			return nil
		default:
			return d.malformed()
		}
	}
}

// quoted reads a string. The bytes are good until the next call: without an escape they are the body's own.
func (d *decoder) quoted(name string) ([]byte, *refusal) {
	if d.peek() != '"' {
		return nil, wrongType(name, "a string")
	}
	from, plain := d.at, true
	for d.at++; d.at < len(d.body); d.at++ {
		switch c := d.body[d.at]; {
		case c == '"':
			d.at++
			if plain {
				return d.body[from+1 : d.at-1], nil
			}
			return d.unescape(d.body[from:d.at])
		case c == '\\':
			plain = false
			d.at++
		case c < ' ':
			return nil, d.malformed()
		}
	}
	return nil, d.malformed()
}

func (d *decoder) unescape(token []byte) ([]byte, *refusal) {
	var s string
	if err := json.Unmarshal(token, &s); err != nil {
		return nil, d.malformed()
	}
	return []byte(s), nil
}

func (d *decoder) null() bool { return d.word("null") }

func (d *decoder) word(w string) bool {
	d.peek()
	if len(d.body)-d.at < len(w) || string(d.body[d.at:d.at+len(w)]) != w {
		return false
	}
	d.at += len(w)
	return true
}

// peek skips white space and returns the byte at hand, 0 at the end.
func (d *decoder) peek() byte {
	for ; d.at < len(d.body); d.at++ {
		switch c := d.body[d.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) malformed() *refusal {
	return refuse(codeInvalidParameter, "The request body is not valid JSON near byte %d.", min(d.at, len(d.body)))
}

func wrongType(name, want string) *refusal {
	return refuse(codeInvalidParameter, "The value of the parameter `%s` is not %s.", name, want)
}
