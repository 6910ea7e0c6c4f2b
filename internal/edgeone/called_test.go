package edgeone_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

func TestClient_TellsTheEndOfEachCall(t *testing.T) {
	refused := wire(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	})
	create := func(ctx context.Context, c *edgeone.Client) error {
		_, err := c.CreatePurge(ctx, urlPurge)
		return err
	}
	quotas := func(ctx context.Context, c *edgeone.Client) error {
		_, err := c.Quotas(ctx, "zone-1")
		return err
	}
	ended, end := context.WithCancel(t.Context())
	end()
	tests := []struct {
		name    string
		wire    http.RoundTripper
		ctx     context.Context // of the call
		version string
		call    func(context.Context, *edgeone.Client) error
		want    string // the action; empty: nothing is told
	}{
		{"answered", answering(200, `{"Response":{"JobId":"j"}}`), t.Context(), "", create, "CreatePurgeTask"},
		{"no job", answering(200, `{"Response":{"RequestId":"r"}}`), t.Context(), "", create, "CreatePurgeTask"},
		{"refused", answering(200, `{"Response":{"Error":{"Code":"AuthFailure"}}}`), t.Context(), "", quotas, "DescribeContentQuota"},
		{"no connection", refused, t.Context(), "", create, "CreatePurgeTask"},
		{"ended before", refused, ended, "", create, ""},
		{"not in this version", refused, t.Context(), "2022-01-06", quotas, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var told []string
			var class edgeone.Class
			c := over(t, tt.wire, func(cfg *edgeone.Config) {
				cfg.Version = tt.version
				cfg.Called = func(action string, err error, took time.Duration) {
					told, class = append(told, action), edgeone.Classify(err)
					if took < 0 || took > time.Minute {
						t.Errorf("got a call of %v", took)
					}
				}
			})
			err := tt.call(tt.ctx, c)
			if tt.want == "" && len(told) == 0 {
				return
			}
			if len(told) != 1 || told[0] != tt.want || class != edgeone.Classify(err) {
				t.Errorf("got %q of class %v, want %q of class %v", told, class, tt.want, edgeone.Classify(err))
			}
		})
	}
}
