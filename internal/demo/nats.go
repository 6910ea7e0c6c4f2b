package demo

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// broker is an embedded NATS server with JetStream, on loopback only.
type natsServer struct{ s *server.Server }

// startNATS starts a server that keeps its streams in dir; port -1 picks a free one.
func startNATS(dir string, port int) (*natsServer, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "edgepurge-demo", Host: "127.0.0.1", Port: port,
		NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir,
	})
	if err != nil {
		return nil, fmt.Errorf("start nats: %w", err)
	}
	go s.Start() // ends with Shutdown, which stop waits for
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		if port > 0 {
			return nil, fmt.Errorf("start nats: not ready in 10 s; is port %d taken?", port)
		}
		return nil, errors.New("start nats: not ready in 10 s")
	}
	return &natsServer{s}, nil
}

func (n *natsServer) url() string { return n.s.ClientURL() }

func (n *natsServer) stop() {
	n.s.Shutdown()
	n.s.WaitForShutdown()
}
