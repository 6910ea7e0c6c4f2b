package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// twinWrite is something that goes out of a worker, or of who pauses one.
type twinWrite struct {
	name    string
	match   func(frame) bool // finds it among what goes to NATS; nil for a call of the API
	action  string           // of the API
	nths    []int            // which of its occurrences go wrong
	mute    bool             // it has no answer
	late    bool             // without an answer nobody learns soon that it did not happen
	setting twinSetting
	load    func(*twin)
	drive   func(*twin) // what has it written, until the fault is done; nil: the load does
}

const (
	// twinWorlds bounds the worlds at once: they mostly wait, for answers that don't come.
	twinWorlds = 32
	// twinStarts bounds those that are being made, which is most of the work.
	twinStarts = 2
)

// A write that failed may have happened or not, and who made it can't tell. Either way each request has its
// one end, and nothing is left over.
func TestTwinFaults_EndEveryRequestOnce(t *testing.T) {
	t.Parallel()
	var g errgroup.Group
	g.SetLimit(twinWorlds)
	starts := make(chan struct{}, twinStarts) // a place for each world that is being made
	for i, write := range twinWrites {
		if !turn(i, 3) {
			continue
		}
		faults := write.faults()
		kinds, nth := len(faults)/len(write.nths), i%len(write.nths)
		brief := []int{nth * kinds, (nth+1)%len(write.nths)*kinds + 1}
		if !lengthy { // one of the two, in turn
			brief = brief[i%2:][:1]
		}
		for _, fault := range some(faults, brief...) {
			g.Go(func() error {
				t.Run(fmt.Sprintf("%s %d %v", write.name, fault.nth, fault), func(t *testing.T) {
					write.suffer(write.begin(t, fault, starts))
				})
				return nil
			})
		}
	}
	_ = g.Wait()
}

// faults are all that can go wrong with the write: that it was cut off before it happened, or after, and that
// nobody was told which.
func (write twinWrite) faults() []twinFault {
	var all []twinFault
	for _, nth := range write.nths {
		all = append(all, twinFault{happens: false, cut: true, nth: nth}, twinFault{happens: true, cut: true, nth: nth})
		if !write.late {
			all = append(all, twinFault{happens: false, cut: false, nth: nth})
		}
		if !write.mute {
			all = append(all, twinFault{happens: true, cut: false, nth: nth})
		}
	}
	return all
}

// begin makes a world with its requests and a worker, which suffers the fault.
func (write twinWrite) begin(t *testing.T, fault twinFault, starts chan struct{}) *twin {
	t.Helper()
	starts <- struct{}{}
	defer func() { <-starts }()
	tw := newTwin(t, write.setting)
	if write.match != nil {
		tw.proxy.arm(fault, write.match)
	} else {
		tw.api.arm(fault, write.action)
		tw.cfg.EdgeOne.Timeout = 2 * time.Second
	}
	if !write.setting.bare {
		write.load(tw)
	}
	tw.begin()
	return tw
}

// suffer waits until the fault is done and all requests are worked off, and looks at what is left.
func (write twinWrite) suffer(tw *twin) {
	tw.t.Helper()
	if write.setting.bare {
		tw.until("the streams", tw.provisioned)
		write.load(tw)
	}
	if write.drive != nil {
		write.drive(tw)
	}
	tw.until("the fault", tw.hit)
	tw.askAgain()
	tw.check()
}

// hit tells whether the fault is done.
func (tw *twin) hit() bool { return closed(tw.proxy.done) || closed(tw.api.done) }
