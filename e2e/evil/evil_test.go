package evil_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/e2e/evil"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

var (
	seeds = flag.Int("evil.seeds", 0, "run each mode with so many seeds, with processes of which the leader is killed")
	only  = flag.String("evil.modes", "", "run the modes whose names match the regular expression")
)

// TestMain lets more tests run side by side than there are cores: they wait most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// modes are those that are asked for by name; else all of them with -tags slow, and every third without.
func modes(t *testing.T) []evil.Mode {
	t.Helper()
	want, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	var found []evil.Mode
	for i, m := range evil.Modes() {
		if want.MatchString(m.Name) && (slow || *seeds > 0 || *only != "" || i%3 == 0) {
			found = append(found, m)
		}
	}
	return found
}

// In no mode is a request lost, ended twice or reported as purged though it was not, and a healthy zone's is not held up.
func TestFailure_AnswersContradict(t *testing.T) {
	if *seeds > 0 {
		t.Skip("the modes run with processes")
	}
	srv := natstest.Start(t, nil)
	for i, mode := range modes(t) {
		t.Run(mode.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, srv, fmt.Sprintf("evil-%d", i), mode, uint64(i))
			w.start()
			w.load()
			// In time means 10 s; here dozens of workers share the machine.
			if took := w.healthy("healthy"); took > time.Minute {
				t.Errorf("a healthy zone's request took %v", took)
			}
			w.await()
			w.judge()
		})
	}
}
