package nasty

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// line is how a message is written down.
type line struct {
	piece

	Name     string            `json:"name"`
	Lane     string            `json:"lane"`
	Source   string            `json:"source"`
	Source64 []byte            `json:"source64"`
	Subject  string            `json:"subject"`
	Headers  map[string]string `json:"headers"`
	Parts    []part            `json:"parts"`
	End      End               `json:"end"`
}

type piece struct {
	Text   string `json:"text"`
	Base64 []byte `json:"base64"`
}

func (p piece) bytes() []byte { return append([]byte(p.Text), p.Base64...) }

// part is a piece of a body that is repeated.
type part struct {
	piece

	Times   int    `json:"times"`
	Between string `json:"between"`
	Count   bool   `json:"count"` // each # is the number of the repetition
}

func (p part) appendTo(body []byte) []byte {
	piece := p.bytes()
	for n := range cmp.Or(p.Times, 1) {
		if n > 0 {
			body = append(body, p.Between...)
		}
		if !p.Count {
			body = append(body, piece...)
			continue
		}
		body = append(body, bytes.ReplaceAll(piece, []byte("#"), strconv.AppendInt(nil, int64(n), 10))...)
	}
	return body
}

var nameForm = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

func parse(text []byte) (Message, error) {
	var l line
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return Message{}, fmt.Errorf("read message: %w", err)
	}
	if !nameForm.MatchString(l.Name) {
		return Message{}, fmt.Errorf("message %q: its name can't be a source", l.Name)
	}
	if err := l.End.check(); err != nil {
		return Message{}, fmt.Errorf("message %s: %w", l.Name, err)
	}
	body := l.bytes()
	for _, p := range l.Parts {
		body = p.appendTo(body)
	}
	subject := "purge.requests." + cmp.Or(l.Lane, "bulk") + "." + cmp.Or(l.Source, string(l.Source64), l.Name)
	return Message{l.Name, cmp.Or(l.Subject, subject), l.Headers, body, l.End}, nil
}

// check makes sure that something is expected, and one thing only.
func (e *End) check() error {
	ends := 0
	for _, is := range []bool{e.Refused, e.Joins, e.Status != ""} {
		if is {
			ends++
		}
	}
	if ends != 1 {
		return errors.New("it must be refused, join, or have a status, one of the three")
	}
	if e.Status == "rejected" && e.Code == "" {
		return errors.New("it is rejected without a code")
	}
	return nil
}
