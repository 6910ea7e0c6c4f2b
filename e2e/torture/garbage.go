package main

import (
	"bytes"
	"fmt"
	"strings"
)

// garbage draws a message that is no request. Some have an id that can be read, some one that can't.
func (l *load) garbage() message {
	m, _ := l.begin()
	m.Want = wantRejected
	id := fmt.Sprintf("g%d", l.n)
	named := func(format string) []byte { m.ID = id; return fmt.Appendf(nil, format, id) }
	switch l.rng.IntN(14) {
	case 0:
		m.body = nil
	case 1:
		m.body = []byte("purge everything, please")
	case 2:
		m.body = []byte(`{"targets":["https://www.a.example/`)
	case 3:
		m.body = named(`{"id":%q,"urls":["https://www.a.example/"]}`)
	case 4:
		m.body = named(`{"id":%q,"targets":[]}`)
	case 5:
		m.body = named(`{"id":%q,"zone":"zone-aaa","type":"everything","targets":["x"]}`)
	case 6:
		m.body = named(`{"id":%q,"account":"another","targets":["https://www.a.example/"]}`)
	case 7:
		m.body = []byte(strings.Repeat(`{"targets":[`, 20000))
	case 8:
		m.body = append([]byte(`{"targets":["https://www.a.example/`), 0xff, 0xfe, '"', ']', '}')
	case 9:
		m.body = bytes.Repeat([]byte{0}, 1+l.rng.IntN(100_000))
	case 10:
		m.body = named(`{"id":%q,"method":"delete","targets":["https://www.a.example/"]}`)
	case 11:
		m.body = named(`{"id":%q,"zone":"zone-aaa","targets":["no url","ftp://x/"]}`)
	case 12:
		m.body = []byte(`{"id":"_made-by-us","zone":"zone-aaa","targets":["https://www.a.example/"],"zone_id":"x"}`)
	case 13:
		m.Source = "Loud"
		m.body = []byte(`{"zone":"zone-aaa","targets":["https://www.a.example/"]}`)
	}
	return m
}
