package e2e_test

import (
	"testing"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// What was reloaded while a replica stood by counts when it becomes the leader, and what is reloaded then counts at once.
func TestReload_CountsForTheOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	a, err := app.New(w.cfg, common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	most := func(n int) {
		t.Helper()
		err := a.Reload(func() (config.Config, []string, error) {
			cfg := w.cfg
			cfg.Batch.MaxTargets = n
			return cfg, nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	most(2)
	w.run(a)
	w.request(purge.Bulk, purge.Request{ID: "standby", Targets: []string{url(1), url(2), url(3), url(4), url(5), url(6)}})
	if got := len(w.await(1)["standby"].Jobs); got != 3 {
		t.Errorf("got %d jobs of six targets, want 3 by what was loaded before", got)
	}
	most(3)
	w.request(purge.Bulk, purge.Request{ID: "owner", Targets: []string{url(1), url(2), url(3), url(4), url(5), url(6)}})
	if got := len(w.await(2)["owner"].Jobs); got != 2 {
		t.Errorf("got %d jobs of six targets, want 2 by what was loaded last", got)
	}
}
