package record

import (
	"encoding/json"
	"fmt"
	"slices"
)

// shareOverhead is more than what a share's line takes beside its encoded request and runs, and
// runBytes more than one run: two positions and a count of up to six digits each.
const (
	shareOverhead = 256
	runBytes      = 24
	// cloudEventNames is more than what the names around a CloudEvent take.
	cloudEventNames = 32
)

// split distributes the shares over as few parts as the order allows. The common job is one part.
func (j *Job) split(limit int) ([]Job, error) {
	head := 512
	for _, s := range slices.Concat(j.Hosts, []string{j.Account, j.Zone, j.ID, TypeName(j.Type), j.Method, j.Refusal}) {
		head += quotedBytes(s)
	}
	sizes := make([]int, len(j.Targets))
	for i, t := range j.Targets {
		sizes[i] = quotedBytes(t)
	}
	if whole, err := j.whole(limit-head, sizes); whole || err != nil {
		return []Job{{Head: j.Head, Targets: j.Targets, Shares: j.Shares}}, err
	}
	p := packer{job: j, limit: limit - head, sizes: sizes}
	p.begin()
	for i := range j.Shares {
		if err := p.add(&j.Shares[i]); err != nil {
			return nil, fmt.Errorf("split job %s: %w", j.ID, err)
		}
	}
	return p.parts, nil
}

// whole reports whether the job fits into one part as it is.
func (j *Job) whole(limit int, sizes []int) (bool, error) {
	n := 0
	for _, size := range sizes {
		n += size
	}
	for i := range j.Shares {
		size, err := shareBytes(&j.Shares[i])
		if err != nil {
			return false, fmt.Errorf("split job %s: %w", j.ID, err)
		}
		n += size + runBytes*len(j.Shares[i].Runs)
	}
	return n <= limit, nil
}

// packer fills parts one after the other.
type packer struct {
	job   *Job
	limit int
	sizes []int // encoded bytes of the job's targets

	parts []Job
	used  int
	at    map[int]int // position in the job's table -> position in the part's
}

func (p *packer) begin() {
	p.parts = append(p.parts, Job{Head: p.job.Head})
	p.used, p.at = 0, make(map[int]int)
}

func (p *packer) part() *Job { return &p.parts[len(p.parts)-1] }

// add puts a share into the current part, else whole into a new one, else in pieces.
func (p *packer) add(s *Share) error {
	fixed, err := shareBytes(s)
	if err != nil {
		return err
	}
	if p.used+fixed+p.cost(s) > p.limit && p.used > 0 {
		p.begin()
	}
	if p.used+fixed+p.cost(s) <= p.limit {
		p.put(s, fixed)
		return nil
	}
	s.MultiJob = true
	return p.pieces(s, fixed)
}

// cost is no less than what the share's runs, and its targets that the part does not hold yet,
// would add. What is a run in the job need not be one in the part, where its targets may stand
// elsewhere.
func (p *packer) cost(s *Share) int {
	n := 0
	for _, r := range s.Runs {
		next := -1 // the position in the part that would go on with the run
		for i := range r[2] {
			pos, ok := p.at[r[0]+i]
			if !ok {
				n += p.sizes[r[0]+i] + runBytes
				next = -1
				continue
			}
			if pos != next {
				n += runBytes
			}
			next = pos + 1
		}
	}
	return n
}

func (p *packer) put(s *Share, fixed int) {
	p.used += fixed + p.cost(s)
	part := p.part()
	share := *s
	share.Runs = nil
	for _, r := range s.Runs {
		for i := range r[2] {
			pos, ok := p.at[r[0]+i]
			if !ok {
				pos = len(part.Targets)
				p.at[r[0]+i] = pos
				part.Targets = append(part.Targets, p.job.Targets[r[0]+i])
			}
			share.Add(pos, r[1]+i)
		}
	}
	part.Shares = append(part.Shares, share)
}

// pieces spreads one share over as many parts as it needs, from an empty one on. The first carries
// the earlier failures.
func (p *packer) pieces(s *Share, fixed int) error {
	if fixed > p.limit {
		return fmt.Errorf("a share of %d bytes does not fit into a part of %d", fixed, p.limit)
	}
	piece := *s
	piece.Runs = nil
	room := p.limit - fixed
	for _, r := range s.Runs {
		for i := range r[2] {
			cost := p.sizes[r[0]+i] + 2*runBytes
			if cost > room {
				p.put(&piece, fixed)
				p.begin()
				fixed -= settledBytes(&piece)
				piece.Runs, piece.EarlierFailures = nil, nil
				room = p.limit - fixed
			}
			if cost > room {
				return fmt.Errorf("a target of %d bytes does not fit into a part of %d", cost, room)
			}
			piece.Add(r[0]+i, r[1]+i)
			room -= cost
		}
	}
	p.put(&piece, fixed)
	return nil
}

func shareBytes(s *Share) (int, error) {
	n := shareOverhead
	for _, v := range []string{s.Source, s.ID, s.Digest, string(s.Lane), string(s.Type)} {
		n += quotedBytes(v)
	}
	if len(s.Labels) > 0 {
		data, err := json.Marshal(s.Labels)
		if err != nil {
			return 0, fmt.Errorf("encode labels of %s: %w", s.Key(), err)
		}
		n += len(data)
	}
	if e := s.CloudEvent; e != nil {
		n += quotedBytes(e.Source) + quotedBytes(e.ID) + cloudEventNames
	}
	return n + settledBytes(s), nil
}

func settledBytes(s *Share) int {
	n := 0
	for i := range s.EarlierFailures {
		n += s.EarlierFailures[i].bytes()
	}
	return n
}

// quotedBytes bounds what a string takes in JSON: control characters and quotes grow, the rest of
// UTF-8 stays as it is.
func quotedBytes(s string) int {
	n := len(s) + 3
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x80 {
			n += 5
		}
	}
	return n
}
