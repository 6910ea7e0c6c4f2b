package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The files of a run, each a JSON object a line.
const (
	metaFile     = "meta.jsonl"
	messagesFile = "messages.jsonl"
	callsFile    = "calls.jsonl"
	hitsFile     = "hits.jsonl"
	eventsFile   = "events.jsonl"
	lettersFile  = "letters.jsonl"
	rowsFile     = "rows.jsonl"
	livesFile    = "lives.jsonl"
)

// meta is what holds for the whole run.
type meta struct {
	Setting setting   `json:"setting"`
	Begin   time.Time `json:"begin"`
	End     time.Time `json:"end"`
	Quiet   bool      `json:"quiet"` // everything came to rest in time
	Left    string    `json:"left"`  // what did not
	Secrets []string  `json:"secrets"`
	Rate    int       `json:"rate"`    // calls a second and action that the API takes
	Refused int64     `json:"refused"` // calls that the emulator refused as too fast

	Still time.Duration `json:"still"` // longest time that the machine kept the harness waiting
}

// call is one call that arrived at the API.
type call struct {
	Worker   int       `json:"worker"`
	Action   string    `json:"action"`
	Arrived  time.Time `json:"arrived"`
	Answered time.Time `json:"answered"` // by the emulator
	Done     time.Time `json:"done"`     // the answer was written, or nobody waits for it
	Fate     kind      `json:"fate,omitempty"`
	Gone     bool      `json:"gone,omitempty"` // the worker had given up
	Zone     string    `json:"zone,omitempty"`
	Type     string    `json:"type,omitempty"`
	Method   string    `json:"method,omitempty"`
	Hosts    []string  `json:"hosts,omitempty"`
	Targets  []string  `json:"targets,omitempty"`
	Job      string    `json:"job,omitempty"`
	Code     string    `json:"code,omitempty"`
	Refused  []string  `json:"refused,omitempty"` // targets of FailedList
}

// reach says whom a fault touches.
type reach string

const (
	reachWorker reach = "worker" // one worker's process
	reachLink   reach = "link"   // one worker's way to NATS
	reachBroker reach = "broker" // every worker's way to NATS
	reachAPI    reach = "api"
)

// hit is a fault that was carried out.
type hit struct {
	Kind   kind      `json:"kind"`
	Reach  reach     `json:"reach"`
	Worker int       `json:"worker"` // -1 for all
	From   time.Time `json:"from"`
	To     time.Time `json:"to"` // all is as before; workers may need a moment longer
	Kills  int       `json:"kills,omitempty"`
	Clean  bool      `json:"clean,omitempty"` // a drain that came to its end: no excuse for anything
	Note   string    `json:"note,omitempty"`
	Wrong  string    `json:"wrong,omitempty"` // what must not have happened
}

// told is a stored event.
type told struct {
	Subject  string          `json:"subject"`
	Sequence uint64          `json:"sequence"`
	Stored   time.Time       `json:"stored"`
	Event    json.RawMessage `json:"event"`
}

// letter is a stored dead letter.
type letter struct {
	Subject string `json:"subject"`
	Request string `json:"request"` // <source>/<id>
	Code    string `json:"code"`
}

// row is a task of the emulator.
type row struct {
	Job    string `json:"job"`
	Target string `json:"target"`
	Status string `json:"status"`
}

// life is what one process has come to, at its end.
type life struct {
	Name string `json:"name"`
	Peak int64  `json:"peak"` // bytes resident, 0 when not known
	Log  string `json:"log"`
	Wont string `json:"wont,omitempty"` // it ended though nobody asked for it
}

// notes writes one file of a run. It is safe for concurrent use.
type notes struct {
	mu   sync.Mutex
	file *os.File
	buf  *bufio.Writer
	err  error
}

func newNotes(dir, name string) (*notes, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open notes: %w", err)
	}
	return &notes{file: f, buf: bufio.NewWriterSize(f, 1<<16)}, nil
}

// add appends a line; the first error is told by close.
func (n *notes) add(v any) {
	data, err := json.Marshal(v)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return
	}
	if err == nil {
		_, err = n.buf.Write(append(data, '\n'))
	}
	n.err = err
}

func (n *notes) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return errors.Join(n.err, n.buf.Flush(), n.file.Close())
}

// readNotes reads a file of a run.
func readNotes[T any](dir, name string) ([]T, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	defer func() { _ = f.Close() }()
	var list []T
	for d := json.NewDecoder(bufio.NewReaderSize(f, 1<<16)); ; {
		var v T
		switch err := d.Decode(&v); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("read notes: %s, line %d: %w", name, len(list)+1, err)
		}
		list = append(list, v)
	}
}
