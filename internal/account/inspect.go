package account

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/credentials"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/limiter"
)

const (
	// inspectRate is the most calls a second that an inspector makes, whatever the configuration says: the
	// account's limit for each action (EdgeOne API docs).
	inspectRate = 20
	// inspectTries is how often a call that was refused as too fast is made: the worker of the same account
	// may be at it.
	inspectTries = 3
	// withoutQuotas is the API version that has no DescribeContentQuota.
	withoutQuotas = "2022-01-06"
)

// ErrNoQuotas says that the API version in use can't tell quotas.
var ErrNoQuotas = errors.New("API version " + withoutQuotas + " has no action that tells quotas; use 2022-09-01 (EDGEPURGE_EDGEONE_VERSION)")

var errNoKeys = errors.New("the provider of credentials gives none now; or set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY")

// Quota counts targets of one type in one zone: the most of one call, of a day, and what is left of the
// day.
type Quota = edgeone.Quota

// Zone is a zone that the credentials may see. Name is empty where only its id is known.
type Zone struct {
	ID, Name string
}

// Keys returns the configured key pair.
func Keys(cfg config.EdgeOne) credentials.Pair {
	return credentials.Pair{ID: cfg.SecretID, Key: string(cfg.SecretKey), Token: string(cfg.Token)}
}

// NoAnswer reports whether a call got no answer of the API: nothing, or something else, listens at the endpoint.
func NoAnswer(err error) bool {
	call, ok := errors.AsType[*edgeone.Error](err)
	return ok && call.Code == ""
}

// Inspector looks at an account for a person, with the credentials and the endpoint of the worker. It
// changes nothing. It keeps a pace of its own, below the account's limit.
type Inspector struct {
	cfg    config.EdgeOne
	client *edgeone.Client
	pace   *limiter.Limiter
}

// NewInspector finds the credentials, which may ask the machine's metadata service, until the context
// ends.
func NewInspector(ctx context.Context, e config.EdgeOne, limits config.Limits) (*Inspector, error) {
	keys, err := keysWithin(ctx, e)
	if err != nil {
		return nil, err
	}
	rate := limits.DescribePerSecond
	if rate <= 0 || rate > inspectRate {
		rate = inspectRate
	}
	i := &Inspector{cfg: e, pace: limiter.New(rate)}
	i.client, err = edgeone.New(edgeone.Config{
		Credentials: keys, Endpoint: e.Endpoint, Version: e.Version, Region: e.Region,
		Timeout: e.Timeout, Sent: func(string) { i.pace.Sent() },
	})
	return i, err
}

// keysWithin gives up with the context, which the SDK's providers know nothing of.
func keysWithin(ctx context.Context, cfg config.EdgeOne) (common.CredentialIface, error) {
	type answer struct {
		keys common.CredentialIface
		err  error
	}
	found := make(chan answer, 1) // so that a late answer holds up nobody
	go func() {
		c, err := credentials.Find(Keys(cfg))
		if err == nil {
			if id, _, _ := c.GetCredential(); id == "" { // a call without a key would be refused in dark words
				err = errNoKeys
			}
		}
		found <- answer{c, err}
	}()
	select {
	case a := <-found:
		return a.keys, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close drops the connections to the API.
func (i *Inspector) Close() { i.client.CloseIdleConnections() }

// Zones gives the zones that the credentials may see, in the API's order; when that is refused, those that
// the configuration names, with the refusal.
func (i *Inspector) Zones(ctx context.Context) ([]Zone, error) {
	var zones []Zone
	err := i.call(ctx, func() error {
		all, err := i.client.Zones(ctx, i.pace.Wait)
		for _, z := range all {
			zones = append(zones, Zone{z.ID, z.Name})
		}
		return err
	})
	if err == nil {
		return zones, nil
	}
	for _, id := range slices.Compact(slices.Sorted(maps.Values(i.cfg.Zones))) {
		zones = append(zones, Zone{ID: id})
	}
	return zones, err
}

// Quotas returns a zone's quotas by EdgeOne's name of the type; a type that is not in the map is
// unknown. The error is [ErrNoQuotas] if the API version has no quotas.
func (i *Inspector) Quotas(ctx context.Context, zone string) (map[string]Quota, error) {
	if i.cfg.Version == withoutQuotas {
		return nil, ErrNoQuotas
	}
	quotas := make(map[string]Quota)
	err := i.call(ctx, func() error {
		if err := i.pace.Wait(ctx); err != nil {
			return err
		}
		byType, err := i.client.Quotas(ctx, zone)
		for t, q := range byType {
			quotas[edgeone.TypeName(t)] = q
		}
		return err
	})
	return quotas, err
}

// call makes a call again that was refused as too fast. It waits for a window each time, because the worker
// may be what uses the limit.
func (i *Inspector) call(ctx context.Context, send func() error) error {
	for try := 1; ; try++ {
		err := send()
		if edgeone.Classify(err) != edgeone.Throttled || try == inspectTries || ctx.Err() != nil {
			return err
		}
		i.pace.Hold(Window)
	}
}
