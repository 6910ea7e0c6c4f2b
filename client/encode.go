package client

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/edgepurge/edgepurge/purge"
)

// encode returns the message of a request. Targets that are not UTF-8 keep their bytes, for the worker to refuse: the
// encoder would make other ones of them, and those would be purged.
func encode(r purge.Request) ([]byte, error) {
	targets := r.Targets
	if !slices.ContainsFunc(targets, func(t string) bool { return !utf8.ValidString(t) }) {
		return r.Encode()
	}
	r.Targets = nil
	data, err := r.Encode()
	if err != nil {
		return nil, err
	}
	before := []byte(`{"targets":[`)
	for i, t := range targets {
		if i > 0 {
			before = append(before, ',')
		}
		before = appendQuoted(before, t)
	}
	rest := bytes.TrimPrefix(data, []byte("{"))
	if len(rest) > 1 {
		rest = append([]byte(","), rest...)
	}
	return slices.Concat(before, []byte("]"), rest), nil
}

// appendQuoted adds a JSON string, and bytes that are not UTF-8 as they are.
func appendQuoted(data []byte, s string) []byte {
	data = append(data, '"')
	for s != "" {
		c, n := utf8.DecodeRuneInString(s)
		part := []byte(s[:n])
		if c != utf8.RuneError || n > 1 {
			part, _ = json.Marshal(s[:n]) //nolint:errchkjson // a string has no error
			part = part[1 : len(part)-1]
		}
		data = append(data, part...)
		s = s[n:]
	}
	return append(data, '"')
}
