package nasty

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// Message is one message and what must come of it.
type Message struct {
	Name    string // of the form of a source; no other message has it
	Subject string // that it is published to
	Headers map[string]string
	Body    []byte
	End     End
}

// End is what must come of a message. What is not given is not checked, unless it says otherwise.
type End struct {
	// Refused: the broker does not take it, and its producer is told at once.
	Refused bool `json:"refused,omitempty"`
	// Joins: it repeats the id of an earlier message, and has no event of its own; Letter is the code of its dead
	// letter, empty for none.
	Joins  bool   `json:"joins,omitempty"`
	Letter string `json:"letter,omitempty"`

	// Status is that of its event; Code and Field are those of the event's reason. A field "" is none.
	Status string  `json:"status,omitempty"`
	Code   string  `json:"code,omitempty"`
	Field  *string `json:"field,omitempty"`
	// ID is the request's. Where none is given, edgepurge has to make one, which begins with '_'.
	ID string `json:"id,omitempty"`
	// Total and Succeeded count targets, and are checked where there is a total.
	Total     int `json:"total,omitempty"`
	Succeeded int `json:"succeeded,omitempty"`
}

//go:embed testdata/*.jsonl
var files embed.FS

// All returns the messages. One that depends on another comes after it.
func All() ([]Message, error) {
	names, err := fs.Glob(files, "testdata/*.jsonl")
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	var all []Message
	known := make(map[string]bool)
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		number := 0
		for line := range bytes.Lines(data) {
			number++
			m, err := parse(line)
			if err == nil && known[m.Name] {
				err = errors.New("another message has the same name")
			}
			if err != nil {
				return nil, fmt.Errorf("%s, line %d: %w", name, number, err)
			}
			known[m.Name] = true
			all = append(all, m)
		}
	}
	return all, nil
}
