package deploy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// tap stands between a user's connections and the NATS server, and notes what the user publishes and subscribes to, and
// what the server refuses.
type tap struct {
	url string

	mu         sync.Mutex
	published  map[string]bool // guarded by mu, as those below
	subscribed map[string]bool
	refused    []string
}

func newTap(t *testing.T, server string) *tap {
	t.Helper()
	p := &tap{published: make(map[string]bool), subscribed: make(map[string]bool)}
	p.url = kit.StartJoin(t, server, p.serve).URL()
	return p
}

func (p *tap) serve(c, s net.Conn) {
	closeBoth := func() { _, _ = c.Close(), s.Close() }
	var back sync.WaitGroup
	back.Go(func() {
		defer closeBoth()
		_ = p.read(io.TeeReader(s, c))
	})
	_ = p.read(io.TeeReader(c, s))
	closeBoth()
	back.Wait()
}

// read follows one direction of a connection, line by line, over the bodies of messages (NATS docs, "Client protocol").
func (p *tap) read(from io.Reader) error {
	in := bufio.NewReaderSize(from, 64<<10)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "PUB", "HPUB", "MSG", "HMSG":
			size, err := strconv.Atoi(words[len(words)-1])
			if err != nil {
				return fmt.Errorf("read %q: %w", line, err)
			}
			if _, err := in.Discard(size + len("\r\n")); err != nil {
				return err
			}
		}
		p.note(words, line)
	}
}

func (p *tap) note(words []string, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch words[0] {
	case "PUB", "HPUB":
		p.published[words[1]] = true
	case "SUB":
		p.subscribed[words[1]] = true
	case "-ERR":
		p.refused = append(p.refused, strings.TrimSpace(line))
	}
}

// matches tells whether a subject is one of a pattern's.
func matches(pattern, subject string) bool {
	want, got := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, w := range want {
		if w == ">" {
			return len(got) > i
		}
		if i >= len(got) || w != "*" && w != got[i] {
			return false
		}
	}
	return len(want) == len(got)
}

func TestMatches_AsNATSDoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, subject string
		want             bool
	}{
		{"a.b", "a.b", true},
		{"a.*", "a.b", true},
		{"a.>", "a.b.c", true},
		{"a.*.>", "a.*.b", true},
		{"a.b", "a.c", false},
		{"a.*", "a.b.c", false},
		{"a.*.c", "a.b", false},
		{"a.>", "a", false},
	} {
		if got := matches(tt.pattern, tt.subject); got != tt.want {
			t.Errorf("%s, %s: got %v, want %v", tt.pattern, tt.subject, got, tt.want)
		}
	}
}
