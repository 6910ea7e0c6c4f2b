package proc

import (
	"context"
	"fmt"
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

// Build makes a binary of a package of this module, or of one that it needs, and returns its path. The working directory
// has to be in the module; the directory for the binary is made where it is missing.
func Build(ctx context.Context, dir, name, pkg string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	path := filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// FreeAddress is one on loopback that nobody listens on now. Somebody else may, before it is used.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
