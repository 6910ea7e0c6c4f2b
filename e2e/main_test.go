package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// TestMain lets more tests run side by side than there are cores: they wait most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "10"); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "edgepurge")
	if err != nil {
		panic(err)
	}
	program = sync.OnceValues(func() (string, error) { return compile(filepath.Join(dir, "edgepurge")) })
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// program gives the program under test, made once for all tests that run it.
var program func() (string, error)

func compile(bin string) (string, error) {
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", bin, "../cmd/edgepurge").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
}
