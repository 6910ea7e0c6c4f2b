package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// record is all that was noted of a run.
type record struct {
	dir      string
	meta     meta
	messages []message
	calls    []call
	hits     []hit
	events   []event
	letters  []letter
	rows     []row
	lives    []life
}

// event is a stored event, read.
type event struct {
	told told
	purge.Event

	fault string // why it can't be read
}

func readRun(dir string) (*record, error) {
	r := &record{dir: dir}
	metas, err := readNotes[meta](dir, metaFile)
	if err == nil && len(metas) != 1 {
		err = errors.New("the run did not come to its end")
	}
	if err != nil {
		return nil, err
	}
	r.meta = metas[0]
	stored, err1 := readNotes[told](dir, eventsFile)
	var err2, err3, err4, err5, err6, err7 error
	r.messages, err2 = readNotes[message](dir, messagesFile)
	r.calls, err3 = readNotes[call](dir, callsFile)
	r.hits, err4 = readNotes[hit](dir, hitsFile)
	r.letters, err5 = readNotes[letter](dir, lettersFile)
	r.rows, err6 = readNotes[row](dir, rowsFile)
	r.lives, err7 = readNotes[life](dir, livesFile)
	for _, t := range stored {
		r.events = append(r.events, readEvent(t))
	}
	return r, errors.Join(err1, err2, err3, err4, err5, err6, err7)
}

func readEvent(t told) event {
	e := event{told: t}
	var err error
	if e.Event, err = purge.DecodeEvent(t.Event); err != nil {
		e.fault = err.Error()
	}
	return e
}

// sequence is that of the message which an id was made for, 0 where its producer gave it.
func sequence(id string) uint64 {
	rest, made := strings.CutPrefix(id, "_")
	if !made {
		return 0
	}
	_, text, _ := strings.Cut(rest, "-")
	n, _ := strconv.ParseUint(text, 36, 64)
	return n
}

// trouble names a fault that was about between two times and touches a worker, or its way to the broker; empty when
// there was none.
func (r *record) trouble(worker int, from, to time.Time) kind {
	for i := range r.hits {
		h := &r.hits[i]
		if h.Reach == reachAPI || h.Clean || h.Worker >= 0 && h.Worker != worker {
			continue
		}
		end := h.To
		if h.Reach != reachWorker {
			end = end.Add(settling)
		}
		if h.From.Before(to) && end.After(from) {
			return h.Kind
		}
	}
	return ""
}

// secretIn tells whether a log has a secret in it.
func (r *record) secretIn(log string) (bool, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, log))
	if err != nil {
		return false, err
	}
	for _, s := range r.meta.Secrets {
		if s != "" && strings.Contains(string(data), s) {
			return true, nil
		}
	}
	return false, nil
}
