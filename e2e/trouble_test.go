package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// workerRights are what nats.conf allows the user worker to publish.
func workerRights(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../deploy/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "nats.conf")
	text = regexp.MustCompile(`\$\w+_PASSWORD`).ReplaceAll(text, []byte("password"))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range conf.Users {
		if u.Username == "worker" {
			return u.Permissions.Publish.Allow
		}
	}
	t.Fatal("nats.conf has no user worker")
	return nil
}

// workerWithout makes an installation whose worker lacks one right until the function is called. A request waits in it.
func workerWithout(t *testing.T, rights []string, lacking string) (w *world, grant func()) {
	t.Helper()
	users := func(allow []string) []*server.User {
		return []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: "worker", Password: "worker", Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: allow},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_worker.>"}},
			}},
		}
	}
	few := slices.DeleteFunc(slices.Clone(rights), func(r string) bool { return r == lacking })
	if len(few) != len(rights)-1 {
		t.Fatalf("nats.conf does not grant %s", lacking)
	}
	var opts *server.Options
	w = newWorldApart(t, func(o *server.Options) { o.Users, opts = users(few), o }, nil)
	w.cfg.NATS.URL = config.ServerURL("nats://admin:admin@" + w.nats.Address)
	w.connect()
	w.provision()
	w.request(purge.Bulk, purge.Request{ID: "r1", Targets: []string{url(1)}})
	w.cfg.NATS.URL = config.ServerURL("nats://worker:worker@" + w.nats.Address)
	w.cfg.NATS.Inbox, w.cfg.NATS.Provision = "_INBOX_worker", config.ProvisionVerify
	return w, func() {
		next := *opts
		next.Users = users(rights)
		if err := w.nats.ReloadOptions(&next); err != nil {
			t.Fatal(err)
		}
	}
}

// A worker that lacks a right says so once, not each second; and when it has got the right, that this is over.
func TestMissingRight_IsLoggedOnce(t *testing.T) {
	t.Parallel()
	rights := workerRights(t)
	for _, lacking := range []string{
		"$JS.API.STREAM.INFO.PURGE_REQUESTS",            // to verify the streams
		"$JS.API.STREAM.MSG.GET.PURGE_JOBS",             // to take over the jobs, as the leader
		"$JS.API.CONSUMER.MSG.NEXT.PURGE_REQUESTS.*",    // to pull
		"$JS.API.CONSUMER.MSG.NEXT.PURGE_CONTROL.owner", // to get the lease
		"purge.events.*.*.*",                            // to publish
	} {
		t.Run(lacking, func(t *testing.T) {
			t.Parallel()
			w, grant := workerWithout(t, rights, lacking)
			core, logs := observer.New(zap.InfoLevel)
			a, err := app.New(w.cfg, common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), zap.New(core))
			if err != nil {
				t.Fatal(err)
			}
			w.run(a)
			failing := func(e observer.LoggedEntry) bool { return e.Level >= zapcore.WarnLevel }
			w.until("the log to say what is missing", func() bool { return logs.Filter(failing).Len() > 0 })
			first := logs.Len()
			// Long enough for the fastest loop to fail several times, and for none to be due again.
			time.Sleep(15 * time.Second)
			if n := logs.Len() - first; n > 8 {
				t.Errorf("got %d lines within 15 s of the first, want some and then none:\n%s", n, lines(logs.All()))
			}
			for _, e := range logs.Filter(failing).All() {
				if n := logs.Filter(func(o observer.LoggedEntry) bool { return failing(o) && sameWords(o, e) }).Len(); n > 1 {
					t.Errorf("said %d times within seconds: %s", n, lines([]observer.LoggedEntry{e}))
				}
			}
			grant()
			w.completed(1)
			begun := logs.FilterMessage("begins anew").Len()
			w.until("the log to say that it is over", func() bool { return logs.FilterMessage("begins anew: over").Len() == begun })
		})
	}
}

// sameWords reports whether two lines say the same, but for numbers.
func sameWords(a, b observer.LoggedEntry) bool {
	strip := func(e observer.LoggedEntry) string {
		text, _ := e.ContextMap()["error"].(string)
		return e.LoggerName + e.Message + strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' {
				return -1
			}
			return r
		}, text)
	}
	return strip(a) == strip(b)
}

func lines(all []observer.LoggedEntry) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString(e.Level.String() + " " + e.Message)
		if text, ok := e.ContextMap()["error"].(string); ok {
			b.WriteString(": " + text)
		}
		b.WriteString("\n")
	}
	return b.String()
}
