package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

const (
	user = "torture"
	// roomy is what the broker's account may store, tight what it may while the disk is full: less than is there.
	roomy = 2 << 30
	tight = 1 << 10
)

// servers are the NATS servers of a run.
type servers struct {
	programs []*program
	ports    []string // for clients
	routes   []string
	password string
}

// newServers prepares servers; the caller starts them.
func newServers(binary, dir, password string, n int, lives *notes) (*servers, error) {
	s := &servers{password: password}
	for range n {
		port, err := kit.FreeAddress()
		if err != nil {
			return nil, err
		}
		route, err := kit.FreeAddress()
		if err != nil {
			return nil, err
		}
		s.ports, s.routes = append(s.ports, port), append(s.routes, route)
	}
	for i := range n {
		name := fmt.Sprintf("nats-%d", i)
		conf := filepath.Join(dir, name+".conf")
		s.programs = append(s.programs, &program{
			name: name, path: binary, args: []string{"-c", conf}, env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir},
			dir: dir, lives: lives,
		})
		if err := s.configure(i, roomy); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// configure writes what a server reads at its start, and when it is told to read it again.
func (s *servers) configure(i int, room int64) error {
	p := s.programs[i]
	var b strings.Builder
	fmt.Fprintf(&b, "server_name: %s\nlisten: %q\n", p.name, s.ports[i])
	fmt.Fprintf(&b, "jetstream { store_dir: %q, max_file_store: 4GB, max_memory_store: 64MB }\n", filepath.Join(p.dir, p.name))
	fmt.Fprintf(&b, "accounts {\n  LOAD { jetstream { max_file: %d, max_memory: 0 }, users: [ { user: %q, password: %q } ] }\n", room, user, s.password)
	b.WriteString("  SYS {}\n}\nsystem_account: SYS\n")
	if len(s.ports) > 1 {
		fmt.Fprintf(&b, "cluster { name: torture, listen: %q, no_advertise: true, routes: [ %s ] }\n", s.routes[i], quoted(s.routes))
	}
	if err := os.WriteFile(p.args[1], []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("configure %s: %w", p.name, err)
	}
	return nil
}

// fill lets the account store nothing more, or all it likes again.
func (s *servers) fill(room int64) error {
	for i, p := range s.programs {
		if err := s.configure(i, room); err != nil {
			return err
		}
		p.signal(syscall.SIGHUP)
	}
	return nil
}

// urls is where clients connect.
func (s *servers) urls() string {
	list := make([]string, len(s.ports))
	for i, port := range s.ports {
		list[i] = "nats://" + port
	}
	return strings.Join(list, ",")
}

func quoted(addresses []string) string {
	list := make([]string, len(addresses))
	for i, a := range addresses {
		list[i] = strconv.Quote("nats://" + a)
	}
	return strings.Join(list, ", ")
}
