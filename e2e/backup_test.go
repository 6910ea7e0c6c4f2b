package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// saved is a stream as the server's snapshot has it, which `nats stream backup` writes to files.
type saved struct {
	meta   json.RawMessage // its configuration and state
	chunks [][]byte
}

// backup takes the snapshot of a stream.
func (w *world) backup(stream string) saved {
	w.t.Helper()
	inbox := nats.NewInbox()
	sub, err := w.nc.SubscribeSync(inbox)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	m, err := w.nc.Request("$JS.API.STREAM.SNAPSHOT."+stream, fmt.Appendf(nil, `{"deliver_subject":%q,"chunk_size":65536}`, inbox), patience)
	if err != nil {
		w.t.Fatalf("snapshot of %s: %v", stream, err)
	}
	var told struct {
		Config json.RawMessage `json:"config"`
		State  json.RawMessage `json:"state"`
	}
	if err := json.Unmarshal(m.Data, &told); err != nil || told.Config == nil {
		w.t.Fatalf("snapshot of %s: %s", stream, m.Data)
	}
	s := saved{meta: fmt.Appendf(nil, `{"config":%s,"state":%s}`, told.Config, told.State)}
	for {
		m, err := sub.NextMsg(patience)
		if err != nil {
			w.t.Fatalf("snapshot of %s: %v", stream, err)
		}
		if len(m.Data) == 0 {
			return s
		}
		s.chunks = append(s.chunks, m.Data)
		if m.Reply == "" { // the server goes on by itself
			continue
		}
		if err := m.Respond(nil); err != nil {
			w.t.Fatal(err)
		}
	}
}

// restore makes a stream from its snapshot.
func (w *world) restore(stream string, s saved) {
	w.t.Helper()
	ask := func(subject string, data []byte, into any) {
		w.t.Helper()
		m, err := w.nc.Request(subject, data, patience)
		if err != nil {
			w.t.Fatalf("restore %s: %v", stream, err)
		}
		var failed struct {
			Error *struct{ Description string } `json:"error"`
		}
		if len(m.Data) == 0 {
			return
		}
		if err := json.Unmarshal(m.Data, &failed); err != nil || failed.Error != nil {
			w.t.Fatalf("restore %s: %s", stream, m.Data)
		}
		if into != nil {
			if err := json.Unmarshal(m.Data, into); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	var to struct {
		DeliverSubject string `json:"deliver_subject"`
	}
	ask("$JS.API.STREAM.RESTORE."+stream, s.meta, &to)
	for _, c := range s.chunks {
		ask(to.DeliverSubject, c, nil)
	}
	ask(to.DeliverSubject, nil, nil)
}

// backupOrder is the order of the streams in the commands of docs/operating.md.
func backupOrder(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`for s in ([A-Z ]+); do\n *nats stream backup`).FindSubmatch(text)
	if m == nil {
		t.Fatal("docs/operating.md has no loop over the streams to back up")
	}
	return strings.Fields(string(m[1]))
}

// busy is an installation whose requests take a while, some of them in several jobs.
func busy(t *testing.T) (w *world, requests int) {
	t.Helper()
	w = newWorld(t, func(c *emulator.Config) {
		c.BatchQuota, c.Latency, c.TaskTime = 20, 30*time.Millisecond, 1500*time.Millisecond
	})
	w.cfg.Limits.CreatePerSecond = 20
	w.provision()
	var all []purge.Request
	for i := range 800 {
		all = append(all, purge.Request{ID: fmt.Sprint("r", i), Targets: []string{url(i)}})
	}
	for i := range 10 {
		r := purge.Request{ID: fmt.Sprint("span", i)}
		for j := range 50 {
			r.Targets = append(r.Targets, url(1000+50*i+j))
		}
		all = append(all, r)
	}
	w.requests(purge.Bulk, all)
	return w, len(all)
}

// move has the installation be on another server from now on.
func (w *world) move(s *natstest.Server) {
	w.t.Helper()
	w.nats = s
	w.cfg.NATS.URL, w.cfg.NATS.Token = config.ServerURL("nats://"+s.Address), config.Secret(s.Token)
	w.connect()
}

// Streams are backed up while the worker works, in the order of the document. A worker on a server with the restored ones
// gives every request that was stored before the backup its one end.
func TestBackup_OfRunningWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	w, n := busy(t)
	stop := w.start()
	w.until("some jobs and some ends", func() bool { return w.count("PURGE_JOBS") > 3 && w.count("PURGE_EVENTS") > 50 })
	order := backupOrder(t)
	var copies []saved
	for _, stream := range order {
		copies = append(copies, w.backup("PURGE_"+stream))
		ended := w.count("PURGE_EVENTS")
		w.until("the worker to go on meanwhile", func() bool { now := w.count("PURGE_EVENTS"); return now > ended || now == n })
	}
	stop() // and the server is gone with all that was done since

	w.move(natstest.Start(t, nil))
	for i, stream := range order {
		w.restore("PURGE_"+stream, copies[i])
	}
	w.start()
	for id, o := range w.await(n) {
		if o.Status != purge.Completed {
			t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
		}
	}
	w.until("nothing to be left", func() bool { return w.count("PURGE_REQUESTS") == 0 && w.count("PURGE_JOBS") == 0 })
	counts := make(map[string]int)
	w.each("PURGE_EVENTS", func(m jetstream.Msg) { counts[m.Subject()[strings.LastIndex(m.Subject(), ".")+1:]]++ })
	for id, times := range counts {
		if times != 1 {
			t.Errorf("I1: %s has %d events, want one", id, times)
		}
	}
}

// The folder of a server that was stopped is a backup too.
func TestBackup_OfStoppedServersFilesLosesNothing(t *testing.T) {
	t.Parallel()
	w, n := busy(t)
	stop := w.start()
	w.until("some jobs and some ends", func() bool { return w.count("PURGE_JOBS") > 3 && w.count("PURGE_EVENTS") > 50 })
	dir := w.nats.StoreDir() // ends with jetstream, which a server adds to its store_dir
	w.nats.Stop()            // in the midst of the work
	copied := t.TempDir()
	if err := os.CopyFS(copied+"/jetstream", os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	stop()
	w.move(natstest.Start(t, func(o *server.Options) { o.StoreDir = copied }))
	w.start()
	for id, o := range w.await(n) {
		if o.Status != purge.Completed {
			t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
		}
	}
}
