package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// program is something that can be started again and again; each start appends to one log.
type program struct {
	name  string
	path  string
	args  []string
	env   []string
	dir   string
	lives *notes

	busy sync.Mutex // held by the fault that has it in hand

	mu      sync.Mutex
	process *process
}

// process is one life of a program.
type process struct {
	cmd   *exec.Cmd
	asked bool          // somebody wanted its end; guarded by program.mu
	ended chan struct{} // closed when it has been waited for
}

func (p *program) log() string { return filepath.Join(p.dir, p.name+".log") }

// start begins a life, unless there is one.
func (p *program) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		return nil
	}
	out, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(p.path, p.args...) //nolint:noctx // its end is part of the schedule
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = p.env, p.dir, out, out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	life := &process{cmd: cmd, ended: make(chan struct{})}
	p.process = life
	go p.wait(life)
	return nil
}

func (p *program) wait(life *process) {
	err := life.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process = nil
	if !life.asked {
		if err == nil {
			err = errors.New("exit status 0")
		}
		p.lives.add(lifeOf(p, 0, fmt.Sprintf("%s ended by itself: %v", p.name, err)))
	}
	close(life.ended)
}

func lifeOf(p *program, peak int64, wont string) life {
	return life{Name: p.name, Peak: peak, Log: filepath.Base(p.log()), Wont: wont}
}

// running tells whether there is a life.
func (p *program) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process != nil
}

// signal sends one to the process there is; ended is nil when there is none.
func (p *program) signal(s syscall.Signal) (ended <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		return nil
	}
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		p.process.asked = true
		peak, _ := kit.Peak(p.process.cmd.Process.Pid) // 0 where the system does not tell
		p.lives.add(lifeOf(p, peak, ""))
	}
	_ = p.process.cmd.Process.Signal(s)
	return p.process.ended
}

// kill ends the life at once.
func (p *program) kill() {
	if ended := p.signal(syscall.SIGKILL); ended != nil {
		<-ended
	}
}

// drain asks for the end, and waits for it no longer than the limit.
func (p *program) drain(limit time.Duration) error {
	ended := p.signal(syscall.SIGTERM)
	if ended == nil {
		return nil
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
		p.kill()
		return fmt.Errorf("%s did not end within %v of SIGTERM", p.name, limit)
	}
}
