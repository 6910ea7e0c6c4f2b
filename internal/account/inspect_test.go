package account_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func inspector(t *testing.T, change func(*emulator.Config), adapt func(*config.Config)) (*account.Inspector, *emulator.Emulator) {
	t.Helper()
	ec := emulator.Default()
	ec.Latency = 0
	ec.Window = emulator.WindowSliding
	if change != nil {
		change(&ec)
	}
	api, err := emulator.New(ec)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	cfg := config.Default()
	cfg.EdgeOne.Endpoint = srv.URL
	cfg.EdgeOne.SecretID, cfg.EdgeOne.SecretKey = emulator.DefaultSecretID, emulator.DefaultSecretKey
	if adapt != nil {
		adapt(&cfg)
	}
	i, err := account.NewInspector(t.Context(), cfg.EdgeOne, cfg.Limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i, api
}

// Whatever the configuration allows, the account's limit is kept.
func TestInspector_KeepsThePace(t *testing.T) {
	t.Parallel()
	i, api := inspector(t, nil, func(c *config.Config) { c.Limits.DescribePerSecond = 0 })
	start := time.Now()
	const calls = 30
	for range calls {
		if _, err := i.Quotas(t.Context(), "zone-emulator"); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < (calls-1)*time.Second/20 {
		t.Errorf("%d calls in %v, want at most 20 a second", calls, took)
	}
	if s := api.Stats(); s.Throttled > calls/15 { // a busy machine delays a call now and then
		t.Errorf("%d calls were refused as too fast", s.Throttled)
	}
}

func TestInspector_GoesOnWhenItWasTooFast(t *testing.T) {
	t.Parallel()
	i, _ := inspector(t, func(c *emulator.Config) { c.Rate = 1 }, nil)
	for n := range 2 {
		if _, err := i.Quotas(t.Context(), "zone-emulator"); err != nil {
			t.Errorf("call %d: %v, want it made again", n, err)
		}
	}
}

func TestInspector_KnowsThatTheOldVersionHasNoQuotas(t *testing.T) {
	t.Parallel()
	i, api := inspector(t, nil, nil)
	i = account.WithVersion(i, "2022-01-06")
	if _, err := i.Quotas(t.Context(), "zone-emulator"); !errors.Is(err, account.ErrNoQuotas) {
		t.Errorf("got %v, want %v", err, account.ErrNoQuotas)
	}
	if n := api.Stats().DescribeCalls; n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}
