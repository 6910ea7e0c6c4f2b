package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// program is a process that runs, or has run; its output is in a log of its name.
type program struct {
	name  string
	cmd   *exec.Cmd
	begin time.Time
	asked atomic.Bool   // somebody wanted its end
	ended chan struct{} // closed when it has been waited for
}

// start runs a program. The end of the context kills it.
func start(ctx context.Context, dir, name, path string, env []string, args ...string) (*program, error) {
	out, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = out.Close() }()
	p := &program{name: name, cmd: exec.CommandContext(ctx, path, args...), begin: time.Now(), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = env, dir, out, out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // died tells of an end that nobody wanted
		if ctx.Err() != nil {
			p.asked.Store(true)
		}
		close(p.ended)
	}()
	return p, nil
}

// died tells that the process ended though nobody asked for it.
func (p *program) died() error {
	select {
	case <-p.ended:
	default:
		return nil
	}
	if p.asked.Load() {
		return nil
	}
	return fmt.Errorf("%s ended by itself, see %s.log", p.name, p.name)
}

func (p *program) signal(s syscall.Signal) {
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(s) // an error is that it has ended
}

// kill ends the process at once.
func (p *program) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

func (p *program) cpu() (time.Duration, error) { return kit.CPU(p.cmd.Process.Pid) }

// peak is the most memory that the process had resident, in bytes.
func (p *program) peak() (int64, error) { return kit.Peak(p.cmd.Process.Pid) }

// command runs a program to its end, and returns what it printed.
func command(ctx context.Context, dir, path string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Dir = env, dir
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, e.Stderr)
	}
	return nil, fmt.Errorf("run %s %v: %w", filepath.Base(path), args, err)
}
