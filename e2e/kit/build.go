package kit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// The programs, as Build takes them.
const (
	Edgepurge = "github.com/edgepurge/edgepurge/cmd/edgepurge"
	NATS      = "github.com/nats-io/nats-server/v2"
)

// Build makes a binary of a package of this module, or of one that it needs, and returns its path.
// The working directory has to be in the module; the directory for the binary is made where it is
// missing.
func Build(ctx context.Context, dir, name, pkg string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	path := filepath.Join(dir, name)
	// What GOFLAGS says is for the tests: the race detector would multiply the memory that tests
	// measure.
	cmd := exec.CommandContext(ctx, "go", "build", "-race=false", "-buildvcs=false", "-o", path, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// Ports that a system gives out by itself, to connections and to listeners on port 0, lie above
// these: from 32768 on with Linux, from 49152 on elsewhere.
const firstPort, lastPort = 20_000, 32_767

// FreeAddress is one on loopback that nobody listens on now, at a port that no connection and no
// listener on port 0 gets before it is used.
func FreeAddress() (string, error) {
	var err error
	for range 100 {
		var l net.Listener
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort+1))
		if l, err = net.Listen("tcp", address); err == nil { //nolint:noctx // it opens at once
			return address, l.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}
