package emulator

// job is what one JobId names. It never changes once the store has it; what its rows are at a given time follows
// from the clock.
type job struct {
	seq     uint64 // set by the store
	created int64  // Unix nanoseconds; set by the store
	zone    string
	kind    kind
	method  string
	rows    list
	luck    uint64 // what faults.end judges the rows by
	sum     sum    // of its rows, once final
}

// sum counts rows. It may wrap around: only differences between sums are used, and no more rows than fit are held.
type sum struct {
	rows, failed, timedOut uint32
}

func (s sum) plus(t sum) sum {
	return sum{s.rows + t.rows, s.failed + t.failed, s.timedOut + t.timedOut}
}

func (s sum) minus(t sum) sum {
	return sum{s.rows - t.rows, s.failed - t.failed, s.timedOut - t.timedOut}
}

// of counts the rows of those statuses, if all are final.
func (s sum) of(set status) (n int) {
	if set&statusSuccess != 0 {
		n += int(s.rows - s.failed - s.timedOut)
	}
	if set&statusFailed != 0 {
		n += int(s.failed)
	}
	if set&statusTimeout != 0 {
		n += int(s.timedOut)
	}
	return n
}

// tally makes the sum of a job's rows.
func tally(f *faults, luck uint64, rows int) sum {
	s := sum{rows: uint32(rows)}
	if luck == 0 {
		return s
	}
	for i := range rows {
		switch f.end(luck, i) {
		case statusFailed:
			s.failed++
		case statusTimeout:
			s.timedOut++
		default: // the rest succeeded
		}
	}
	return s
}
