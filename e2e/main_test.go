package e2e_test

import (
	"os"
	"testing"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// TestMain lets more tests run side by side than there are cores: they wait most of the time.
func TestMain(m *testing.M) {
	kit.Parallel(20)
	os.Exit(program.Main(m))
}

// program is edgepurge, built once for all tests that run it.
var program = kit.NewOnce("edgepurge", kit.Edgepurge)
