package edgeone

import (
	"context"
	"fmt"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"github.com/edgepurge/edgepurge/purge"
)

// api is one version of the EdgeOne API in this package's words. Each method sends one request,
// built anew, for sending fills it in, and returns the SDK's error as it is; errNoAnswer for the
// body {}, errLacking, unsent, for what the version can't do. Offsets go to the wire as they are.
type api interface {
	traits() traits
	createPurge(ctx context.Context, p Purge) (Created, error)
	purgeTasks(ctx context.Context, q TaskQuery) (page[Task], error)
	quotas(ctx context.Context, zone string) (map[purge.Type]Quota, error)
	zones(ctx context.Context, offset, limit int) (page[Zone], error)
	domains(ctx context.Context, zone string, offset, limit int) (page[Domain], error)
}

// traits are what the versions differ in beside their fields.
type traits struct {
	// zonesLimit is the most rows of a page of zones.
	zonesLimit int
	// vagueOffset tells that the offset of a list may count pages, from 1, instead of rows.
	vagueOffset bool
	// unsuccessful are its statuses but success.
	unsuccessful []string
}

// newAPI returns the version that cfg names.
func newAPI(cfg Config, ep endpoint, through *transport) (api, error) {
	switch cfg.Version {
	case version20220901:
		return newAPI20220901(cfg, newProfile(ep), through)
	case version20220106:
		return newAPI20220106(cfg, newProfile(ep), through)
	}
	return nil, fmt.Errorf("version %q is not supported: use %q or %q", cfg.Version, version20220901, version20220106)
}

// newProfile says to the SDK where to send, and to do nothing by itself: a call that it resent would
// be outside of the pace (I3), and could purge twice.
func newProfile(ep endpoint) *profile.ClientProfile {
	p := profile.NewClientProfile()
	p.HttpProfile.Scheme = ep.scheme
	p.HttpProfile.Endpoint = ep.host + ep.path
	p.HttpProfile.ReqTimeout = 0 // the call's context ends it, to the millisecond
	p.Language = "en-US"
	p.UnsignedPayload = false
	p.Debug = false
	p.DisableRegionBreaker = true
	p.NetworkFailureMaxRetries = 0
	p.RateLimitExceededMaxRetries = 0
	p.UnsafeRetryOnConnectionFailure = false
	return p
}
