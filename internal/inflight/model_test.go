package inflight

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// model is what is known of a request from outside: where each of its targets stands.
type model struct {
	r     Request
	total int

	open    map[int]int   // target → job that it is assigned to, 0: it waits
	durable map[int]bool  // it stands in a stored job or record
	failed  map[int]bool  // without a job, in memory
	jobs    map[int][]int // made and not stored yet → its targets
	made    int           // jobs
	called  bool          // EdgeOne was asked for a target since the request came
	given   int           // failures in the record of the last job
	dones   int           // how often a call reported that the request is done
}

func target(i int) string { return "https://www.example.com/" + strconv.Itoa(i) }

func newModel(total int) *model {
	m := &model{
		total: total, open: make(map[int]int), durable: make(map[int]bool), failed: make(map[int]bool),
		jobs: make(map[int][]int),
	}
	body := purge.Request{Targets: make([]string, total)}
	for i := range total {
		body.Targets[i] = target(i)
		m.open[i] = 0
	}
	m.r = New(record.Request{ID: "a", Total: total}, body)
	return m
}

func (m *model) done(reported bool) {
	if reported {
		m.dones++
	}
}

// index draws any target, and some that are none.
func (m *model) index(t *rapid.T) int { return rapid.IntRange(-1, m.total).Draw(t, "target") }

// call makes a call of some targets that wait. EdgeOne refuses some of them.
func (m *model) call(t *rapid.T) {
	var in []int
	refused := make(map[int]bool)
	for i := range m.total {
		if job, open := m.open[i]; open && job == 0 && rapid.Bool().Draw(t, "in") {
			in = append(in, i)
			refused[i] = rapid.IntRange(0, 4).Draw(t, "refused") == 0
		}
	}
	if len(in) == 0 {
		t.Skip("nothing waits")
	}
	m.made++
	m.called = true
	for _, i := range in {
		m.r.Submitted(time.Unix(int64(m.made), 0))
		if refused[i] {
			m.done(m.r.Fail(i, record.CodeRefused, "no", ""))
			delete(m.open, i)
			m.failed[i] = true
			continue
		}
		if !m.r.Assign(i) {
			t.Fatalf("target %d waits and can't be assigned", i)
		}
		m.open[i] = m.made
		m.jobs[m.made] = append(m.jobs[m.made], i)
	}
	if len(m.jobs[m.made]) == 0 {
		return
	}
	elsewhere := len(m.durable) > 0 || len(m.jobs) > 1
	for _, job := range m.open {
		elsewhere = elsewhere || job == 0
	}
	several, failures := m.r.Filed()
	m.given = len(failures)
	switch {
	case elsewhere && !several:
		t.Fatal("the job's record would be taken for the only one")
	case !several && len(failures) != len(m.failed):
		t.Fatalf("the only record has %d failures, want %d", len(failures), len(m.failed))
	}
}

// store ends a job's write: it is stored, or no record can hold it.
func (m *model) store(t *rapid.T) {
	if len(m.jobs) == 0 {
		t.Skip("no job")
	}
	var ids []int
	for id := range m.jobs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(t, "job")
	lost := rapid.IntRange(0, 4).Draw(t, "lost") == 0
	if lost {
		m.r.Unfiled()
	}
	for _, i := range m.jobs[id] {
		delete(m.open, i)
		if lost {
			m.done(m.r.Fail(i, purge.CodeTooLarge, "too large", ""))
			m.failed[i] = true
			continue
		}
		m.done(m.r.Record(i, 1))
		m.durable[i] = true
	}
	delete(m.jobs, id)
}

// fail ends any target; only one that is open changes.
func (m *model) fail(t *rapid.T) {
	i := m.index(t)
	job, open := m.open[i]
	if open && job != 0 {
		t.Skip("its job is being stored")
	}
	m.done(m.r.Fail(i, purge.CodeExpired, "late", "expires"))
	if open {
		delete(m.open, i)
		m.failed[i] = true
	}
}

// repeat says of targets once more what was said of them: nothing changes.
func (m *model) repeat(t *rapid.T) {
	i := m.index(t)
	if _, open := m.open[i]; open {
		t.Skip("it is open")
	}
	if m.r.Assign(i) || m.r.Record(i, 1) || m.r.Fail(i, "again", "", "") {
		t.Fatalf("target %d, which is not open, changed", i)
	}
}

// recordEarly says that a target stands in a job that it is not assigned to.
func (m *model) recordEarly(t *rapid.T) {
	i := m.index(t)
	if job, open := m.open[i]; open && job != 0 {
		t.Skip("it is assigned")
	}
	if m.r.Record(i, 1) {
		t.Fatalf("target %d is recorded without a job", i)
	}
}

// park takes the request out of memory and back, once nothing of it is under way.
func (m *model) park(t *rapid.T) {
	if len(m.jobs) > 0 || len(m.open) == 0 {
		t.Skip("something is under way, or nothing is left")
	}
	p := m.r.Parked()
	if part := len(m.durable) > 0 || m.called && len(m.failed) > 0; part && !p.Partial {
		t.Fatal("what is parked is taken for all of the request")
	}
	inRecords := make([]bool, m.total)
	for i := range m.durable {
		inRecords[i] = true
	}
	if p.Partial { // the failures are stored before it
		for i := range m.failed {
			inRecords[i], m.durable[i] = true, true
		}
		clear(m.failed)
	} else { // it is handled as if it had just come
		for i := range m.failed {
			m.open[i] = 0
		}
		clear(m.failed)
	}
	m.r = NewParked(&p)
	m.r.Found(inRecords)
}

// crash forgets what is in memory: the message comes again, and the records say what stands in
// them.
func (m *model) crash(t *rapid.T) {
	if len(m.open) == 0 {
		t.Skip("it is done")
	}
	for i := range m.failed {
		m.open[i] = 0
	}
	clear(m.failed)
	for _, targets := range m.jobs {
		for _, i := range targets {
			m.open[i] = 0
		}
	}
	clear(m.jobs)
	m.called = false
	fresh := newModel(m.total)
	m.r = fresh.r
	inRecords := make([]bool, m.total)
	for i := range m.durable {
		inRecords[i] = true
	}
	m.r.Found(inRecords)
}

func (m *model) check(t *rapid.T) {
	waits := 0
	for i := range m.total {
		job, open := m.open[i]
		if open && job == 0 {
			waits++
		}
		if m.r.Waits(i) != (open && job == 0) {
			t.Fatalf("target %d: waits is %t", i, m.r.Waits(i))
		}
		if word := m.r.Body.Targets[i]; m.durable[i] && word != "" || !m.durable[i] && word != target(i) {
			t.Fatalf("target %d is held as %q, want its string freed once it stands in a record: %t",
				i, word, m.durable[i])
		}
	}
	failures, _ := m.r.Failures()
	if m.r.Waiting() != waits || m.r.Open() != len(m.open) || len(failures) != len(m.failed) {
		t.Fatalf("counts %d waiting, %d open, %d failed, want %d, %d, %d",
			m.r.Waiting(), m.r.Open(), len(failures), waits, len(m.open), len(m.failed))
	}
	for _, f := range failures {
		if !m.failed[f.Index] || f.Target != target(f.Index) {
			t.Fatalf("failure %+v is not one", f)
		}
	}
	if m.r.Done() != (len(m.durable)+len(m.failed) == m.total) {
		t.Fatalf("done is %t with %d recorded and %d failed of %d (I2)",
			m.r.Done(), len(m.durable), len(m.failed), m.total)
	}
	if want := len(m.open) == 0; (m.dones == 1) != want || m.dones > 1 {
		t.Fatalf("it was reported %d times that the request is done, want once if it is: %t", m.dones, want)
	}
	if load := m.r.Load(); load < 1 || load > m.total || load < len(m.open)+len(m.failed) {
		t.Fatalf("takes %d of %d targets, %d of them open", load, m.total, len(m.open))
	}
	if !m.r.Done() {
		return
	}
	// Something has to make its event, with all of its failures.
	switch ending := m.r.Ending(); {
	case ending == InNoJob && len(m.durable) > 0:
		t.Fatal("it would get an event beside that of its jobs (I1)")
	case ending == InJobs && len(m.durable) == 0:
		t.Fatal("no job would make its event (I1)")
	case ending == InJobs && len(m.failed) > 0 && m.given != len(m.failed):
		t.Fatalf("the record of its job has %d of %d failures (I2)", m.given, len(m.failed))
	}
}

// Each target is counted once, and the request is done exactly when each stands in a record or has
// failed, whatever order calls, records, failures, repeats, expiry, parking and crashes come in
// (I2).
func TestRequest_IsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(rapid.IntRange(1, 6).Draw(t, "total"))
		t.Repeat(map[string]func(*rapid.T){
			"call": m.call, "store": m.store, "fail": m.fail, "repeat": m.repeat, "record early": m.recordEarly,
			"park": m.park, "crash": m.crash, "": m.check,
		})
	})
}
