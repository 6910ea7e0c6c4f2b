package record

import (
	"encoding/json"
	"fmt"
)

// shareOverhead is more than what a share's line takes beside its encoded request and runs, and
// runBytes more than one run: two positions and a count of up to six digits each.
const (
	shareOverhead = 256
	runBytes      = 24
)

// split distributes the shares over as few parts as the order allows. The common job is one part.
func (j *Job) split(limit int) ([]Job, error) {
	head := len(j.ID) + len(j.Zone) + len(j.Account) + 512
	for _, h := range j.Hosts {
		head += len(h) + 8
	}
	sizes := make([]int, len(j.Targets))
	for i, t := range j.Targets {
		sizes[i] = quotedBytes(t)
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
	if p.used+fixed+p.cost(s) > p.limit {
		s.Spans = true
		return p.pieces(s, fixed)
	}
	p.put(s, fixed)
	return nil
}

// cost is what the share's targets that the part does not hold yet would add, with its runs.
func (p *packer) cost(s *Share) int {
	n := 0
	for _, r := range s.Runs {
		n += runBytes
		for i := range r[2] {
			if _, ok := p.at[r[0]+i]; !ok {
				n += p.sizes[r[0]+i] + runBytes
			}
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

// pieces spreads one share over as many parts as it needs.
func (p *packer) pieces(s *Share, fixed int) error {
	piece := *s
	piece.Runs = nil
	room := p.limit - p.used - fixed
	for _, r := range s.Runs {
		for i := range r[2] {
			cost := p.sizes[r[0]+i] + 2*runBytes
			if cost+fixed > p.limit {
				return fmt.Errorf("a target of %d bytes does not fit into a part of %d", cost, p.limit)
			}
			if cost > room {
				p.put(&piece, fixed)
				p.begin()
				piece.Runs = nil
				room = p.limit - fixed
			}
			piece.Add(r[0]+i, r[1]+i)
			room -= cost
		}
	}
	p.put(&piece, fixed)
	return nil
}

func shareBytes(s *Share) (int, error) {
	n := shareOverhead + len(s.Source) + len(s.ID) + len(s.Digest)
	if len(s.Labels) > 0 {
		data, err := json.Marshal(s.Labels)
		if err != nil {
			return 0, fmt.Errorf("encode labels of %s: %w", s.Key(), err)
		}
		n += len(data)
	}
	for _, f := range s.Settled {
		n += quotedBytes(f.Target) + quotedBytes(f.Code) + quotedBytes(f.Reason) + quotedBytes(f.Field) + 64
	}
	return n, nil
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
