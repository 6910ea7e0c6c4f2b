package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
)

// frame is one word of the NATS client protocol (NATS docs, "Client Protocol"), as it is on the wire.
type frame struct {
	raw            []byte
	op             string // in upper case
	subject, reply string // of PUB, HPUB, MSG, HMSG; the subject of SUB
	sid            string // of SUB, MSG, HMSG
	head, body     string // of PUB, HPUB, MSG, HMSG
}

// readFrame reads one frame.
func readFrame(r *bufio.Reader) (frame, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return frame{}, err
	}
	f := frame{raw: line}
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return f, nil
	}
	f.op = strings.ToUpper(words[0])
	words = words[1:]
	sizes := map[string]int{"PUB": 1, "HPUB": 2, "MSG": 1, "HMSG": 2}[f.op]
	if f.op != "SUB" && sizes == 0 {
		return f, nil
	}
	if len(words) < 2 {
		return f, fmt.Errorf("short frame %q", line)
	}
	f.subject = words[0]
	if f.op == "SUB" {
		f.sid = words[len(words)-1]
		return f, nil
	}
	return f, f.payload(r, words[1:], sizes)
}

// payload reads what follows the line, whose last words are its sizes.
func (f *frame) payload(r *bufio.Reader, words []string, sizes int) error {
	if strings.HasSuffix(f.op, "MSG") {
		f.sid, words = words[0], words[1:]
	}
	if len(words) > sizes {
		f.reply, words = words[0], words[1:]
	}
	if len(words) != sizes {
		return fmt.Errorf("frame %q has not %d sizes", f.raw, sizes)
	}
	n := make([]int, sizes)
	for i, word := range words {
		var err error
		if n[i], err = strconv.Atoi(word); err != nil {
			return fmt.Errorf("frame %q: %w", f.raw, err)
		}
	}
	data := make([]byte, n[sizes-1]+len("\r\n"))
	if _, err := io.ReadFull(r, data); err != nil {
		return err
	}
	f.raw = append(f.raw, data...)
	f.body = string(data[:n[sizes-1]])
	if sizes == 2 {
		f.head, f.body = f.body[:n[0]], f.body[n[0]:]
	}
	return nil
}

func TestReadFrame_TakesTheProtocolApart(t *testing.T) {
	t.Parallel()
	const wire = "PING\r\n" +
		"PUB a.b 5\r\nhello\r\n" +
		"pub a.b _INBOX.x 2\r\n\r\n\r\n" +
		"HPUB a _R 12 14\r\nNATS/1.0\r\n\r\nhi\r\n" +
		"SUB a.* queue 7\r\nSUB b 8\r\n" +
		"MSG a 7 0\r\n\r\n" +
		"MSG a 7 $JS.ACK.x 1\r\n!\r\n" +
		"HMSG a 7 _R 12 12\r\nNATS/1.0\r\n\r\n\r\n"
	const head = "NATS/1.0\r\n\r\n"
	want := []frame{
		{op: "PING"},
		{op: "PUB", subject: "a.b", body: "hello"},
		{op: "PUB", subject: "a.b", reply: "_INBOX.x", body: "\r\n"},
		{op: "HPUB", subject: "a", reply: "_R", head: head, body: "hi"},
		{op: "SUB", subject: "a.*", sid: "7"},
		{op: "SUB", subject: "b", sid: "8"},
		{op: "MSG", subject: "a", sid: "7"},
		{op: "MSG", subject: "a", sid: "7", reply: "$JS.ACK.x", body: "!"},
		{op: "HMSG", subject: "a", sid: "7", reply: "_R", head: head},
	}
	r := bufio.NewReader(strings.NewReader(wire))
	var read []byte
	for _, w := range want {
		f, err := readFrame(r)
		if err != nil {
			t.Fatalf("%s: %v", w.op, err)
		}
		read = append(read, f.raw...)
		f.raw = nil
		if fmt.Sprintf("%+q", f) != fmt.Sprintf("%+q", w) {
			t.Errorf("got %+q, want %+q", f, w)
		}
	}
	if string(read) != wire {
		t.Errorf("the frames are %q, want %q", read, wire)
	}
	for _, broken := range []string{"PUB a\r\n", "PUB a x\r\n", "MSG a 7 R 5 5\r\n", "PUB a 5\r\nhi\r\n"} {
		if _, err := readFrame(bufio.NewReader(strings.NewReader(broken))); err == nil {
			t.Errorf("%q: no error", broken)
		}
	}
}
