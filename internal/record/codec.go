package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// A part is stored as lines of JSON: the head, the table of targets, then one line a share, each of
// which begins with the request's source and id. Lines are what makes a part cheap to index: the
// names of its requests are found without decoding the rest.

// Encode returns the job's parts, each at most limit bytes. A request whose share does not fit into
// one part is marked as in several jobs in all of them, also in j itself.
//
// A limit below the size of one share with one target, or with all earlier failures, is an error.
func (j *Job) Encode(limit int) ([][]byte, error) {
	_, bodies, err := j.EncodeParts(limit)
	return bodies, err
}

// EncodeParts returns the parts beside their encoded form, as DecodeJob would.
func (j *Job) EncodeParts(limit int) ([]Job, [][]byte, error) {
	parts, err := j.split(limit)
	if err != nil {
		return nil, nil, err
	}
	bodies := make([][]byte, len(parts))
	for i := range parts {
		p := &parts[i]
		p.Version, p.Part, p.Parts = Version, i, len(parts)
		if bodies[i], err = p.encode(); err != nil {
			return nil, nil, err
		}
	}
	return parts, bodies, nil
}

// EncodePart returns a part as EncodeParts did: DecodeJob of it is the part again.
func (j *Job) EncodePart() ([]byte, error) { return j.encode() }

// encoder writes JSON lines in which '<', '>' and '&' stay as they are: URLs are full of the
// latter, and each would take six bytes.
func encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}

func (j *Job) encode() ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(1024 + 256*len(j.Shares)) // most have one target, and no labels
	enc := encoder(&buf)
	if err := enc.Encode(j.stored()); err != nil {
		return nil, fmt.Errorf("encode head of job %s: %w", j.ID, err)
	}
	if err := enc.Encode(j.Targets); err != nil {
		return nil, fmt.Errorf("encode targets of job %s: %w", j.ID, err)
	}
	for i := range j.Shares {
		if err := enc.Encode(&j.Shares[i]); err != nil {
			return nil, fmt.Errorf("encode share %s of job %s: %w", j.Shares[i].Key(), j.ID, err)
		}
	}
	return buf.Bytes(), nil
}

// DecodeHead reads the head of a part. Its error is [ErrVersion] for a newer record.
func DecodeHead(line []byte) (Head, error) {
	var h Head
	err := json.Unmarshal(line, &h)
	if err := checkVersion(h.Version, err); err != nil {
		return Head{}, fmt.Errorf("decode job %s: %w", h.ID, err)
	}
	h.Type = TypeNamed(string(h.Type))
	return h, nil
}

// checkVersion judges what was read. A newer record may fail to decode just because it is newer;
// its version comes first and was read all the same.
func checkVersion(version int, err error) error {
	if version > Version || err == nil && version != Version {
		return fmt.Errorf("%w: %d", ErrVersion, version)
	}
	return err
}

// DecodeJob reads a part. Its error is [ErrVersion] for a newer record.
func DecodeJob(data []byte) (*Job, error) {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	head, err := DecodeHead(first)
	if err != nil {
		return nil, err
	}
	lines := slices.Collect(bytes.Lines(data))
	if len(lines) < 2 {
		return nil, fmt.Errorf("decode job %s: %d lines, want at least 2", head.ID, len(lines))
	}
	j := &Job{Head: head, Shares: make([]Share, len(lines)-2)}
	if err := json.Unmarshal(lines[1], &j.Targets); err != nil {
		return nil, fmt.Errorf("decode targets of job %s: %w", j.ID, err)
	}
	for i, line := range lines[2:] {
		if err := json.Unmarshal(line, &j.Shares[i]); err != nil {
			return nil, fmt.Errorf("decode share %d of job %s: %w", i, j.ID, err)
		}
		if err := j.Shares[i].check(len(j.Targets)); err != nil {
			return nil, fmt.Errorf("decode share %s of job %s: %w", j.Shares[i].Key(), j.ID, err)
		}
	}
	return j, nil
}

func (s *Share) check(targets int) error {
	for _, r := range s.Runs {
		at, index, n := r[0], r[1], r[2]
		if at < 0 || index < 0 || n <= 0 || at > targets-n || n > s.Total || index > s.Total-n {
			return fmt.Errorf("run %v outside of %d targets", r, targets)
		}
	}
	return nil
}

// Keys yields the names of the requests in a part, without decoding more than it must.
func Keys(data []byte) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		n := 0
		for line := range bytes.Lines(data) {
			if n++; n <= 2 {
				continue
			}
			k, err := key(line)
			if !yield(k, err) {
				return
			}
		}
	}
}

// key reads `{"s":"source","i":"id",…`. Both are plain ASCII without escapes.
func key(line []byte) (Key, error) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"s":"`))
	if ok {
		source, rest, ok1 := bytes.Cut(rest, []byte(`","i":"`))
		id, _, ok2 := bytes.Cut(rest, []byte(`"`))
		if ok1 && ok2 && !bytes.ContainsRune(source, '"') {
			return Key{string(source), string(id)}, nil
		}
	}
	return Key{}, fmt.Errorf("read key of share: unexpected line %q", strings.ToValidUTF8(string(line[:min(len(line), 40)]), "?"))
}
