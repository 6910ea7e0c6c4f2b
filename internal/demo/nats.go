package demo

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsServer is an embedded NATS server with JetStream.
type natsServer struct{ s *server.Server }

// startNATS starts a server on an address that is free, with its streams in dir.
func startNATS(dir, address string) (*natsServer, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("start nats on %s: %w", address, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("start nats on %s: %w", address, err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "edgepurge-demo", Host: host, Port: port,
		NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir,
	})
	if err != nil {
		return nil, fmt.Errorf("start nats: %w", err)
	}
	go s.Start() // ends with Shutdown, which stop waits for
	if !s.ReadyForConnections(30 * time.Second) {
		s.Shutdown()
		return nil, fmt.Errorf("start nats on %s: not ready in 30 s; choose another address with --nats-listen", address)
	}
	return &natsServer{s}, nil
}

func (n *natsServer) url() string { return n.s.ClientURL() }

func (n *natsServer) stop() {
	n.s.Shutdown()
	n.s.WaitForShutdown()
}
