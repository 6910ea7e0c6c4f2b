package edgeone

import (
	"context"

	"github.com/edgepurge/edgepurge/purge"
)

const actionQuota = "DescribeContentQuota"

// Quota counts targets of one type in one zone.
type Quota struct {
	// Batch is the most that one call may hold.
	Batch int
	// Daily is the most of a day, DailyAvailable what is left of it.
	Daily, DailyAvailable int
}

// Quotas reads the zone's quotas by type: one call. A type that package purge does not have keeps
// EdgeOne's name, as "prefetch_url". A type that is not in the map, because its row is missing or
// incomplete, is unknown, not zero. The error is an *Error; in 2022-01-06, which can't tell quotas, it is of class Misconfigured, and nothing is sent.
func (c *Client) Quotas(ctx context.Context, zone string) (map[purge.Type]Quota, error) {
	var quotas map[purge.Type]Quota
	_, err := c.call(ctx, actionQuota, func(ctx context.Context) (err error) {
		quotas, err = c.api.quotas(ctx, zone)
		return err
	})
	return quotas, err
}
