package app_test

import (
	"runtime/debug"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/app"
)

func TestBuild_IsWhatGoTells(t *testing.T) {
	t.Parallel()
	const revision = "47de60fbca09dad8185236aef6eec1c121619fb3"
	at := time.Date(2026, 11, 22, 10, 18, 49, 0, time.UTC)
	vcs := []debug.BuildSetting{
		{Key: "vcs.revision", Value: revision}, {Key: "vcs.time", Value: "2026-11-22T10:18:49Z"}, {Key: "vcs.modified", Value: "true"},
	}
	tests := map[string]struct {
		module   string
		settings []debug.BuildSetting
		want     app.Build
	}{
		"by a tag":              {"v1.2.3", vcs, app.Build{Version: "v1.2.3", Revision: revision, Time: at, Modified: true}},
		"from the module proxy": {"v1.2.3", nil, app.Build{Version: "v1.2.3"}},
		"by a commit":           {"(devel)", vcs, app.Build{Version: "devel-47de60fbca09", Revision: revision, Time: at, Modified: true}},
		"by nothing":            {"", nil, app.Build{Version: "devel"}},
	}
	for name, tt := range tests {
		info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: tt.module}, Settings: tt.settings}
		tt.want.Go = "go1.26.8"
		if diff := cmp.Diff(tt.want, app.BuildOf(info)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
