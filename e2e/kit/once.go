package kit

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// Once builds a program when a test of a package first asks for it, and keeps it for the others. It
// is safe for concurrent use.
type Once struct {
	build func() (string, error)

	mu  sync.Mutex
	dir string // where the binary is; empty while it is not built
}

// NewOnce returns the Once of a program, as [Build] takes it.
func NewOnce(name, pkg string) *Once {
	o := new(Once)
	o.build = sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "edgepurge-tests-")
		if err != nil {
			return "", err
		}
		o.mu.Lock()
		o.dir = dir
		o.mu.Unlock()
		return copyOf(context.Background(), dir, name, pkg)
	})
	return o
}

// copyOf makes a binary as Build does, in a tenth of the time where nothing has changed: other than
// go build, go run keeps what it has linked, and -exec gives it to cp instead of running it. Where
// there is no cp it is built.
func copyOf(ctx context.Context, dir, name, pkg string) (string, error) {
	cp, err := exec.LookPath("cp")
	if err != nil {
		return Build(ctx, dir, name, pkg)
	}
	path := filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "run", "-race=false", "-buildvcs=false", "-exec", cp, pkg, path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// Path returns where the program is, and fails the test if it can't be built.
func (o *Once) Path(t testing.TB) string {
	t.Helper()
	path, err := o.build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Parallel lets n tests of a package run side by side, for tests that mostly wait: Go's default is
// the number of processors. [testing.M.Run] must not have been called.
func Parallel(n int) {
	flag.Parse()
	_ = flag.Set("test.parallel", strconv.Itoa(n)) // the flag is there in every test
}

// Main runs the tests of a package, removes the program after the last, and returns what [os.Exit]
// should get.
func (o *Once) Main(m *testing.M) int {
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.dir != "" {
			_ = os.RemoveAll(o.dir)
		}
	}()
	return m.Run()
}
