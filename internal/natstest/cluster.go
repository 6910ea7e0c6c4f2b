package natstest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Cluster runs n servers that replicate for each other, with one token for all, and returns once they have a leader that
// knows all. None of them can be started again: the others would not find it.
func Cluster(t testing.TB, n int) []*Server {
	t.Helper()
	name, token := rand.Text(), rand.Text() // a route that goes astray is refused by the name
	var servers []*Server
	for i := range n {
		// Each knows the first, and how many there are; the rest they tell each other.
		var routes []string
		for j := range n - 1 {
			routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", j+1)) // nobody there
		}
		if i > 0 {
			routes[0] = "nats://" + servers[0].ClusterAddr().String()
		}
		servers = append(servers, Start(t, func(o *server.Options) {
			o.ServerName, o.Authorization = fmt.Sprintf("node-%d", i), token
			o.Cluster = server.ClusterOpts{Name: name, Host: "127.0.0.1", Port: -1}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
		}))
	}
	await(t, "a leader that knows all", func() bool {
		return slices.ContainsFunc(servers, func(s *Server) bool {
			return s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == n
		})
	})
	return servers
}

func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
