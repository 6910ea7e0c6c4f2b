package edgeone

import (
	"context"
	"fmt"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	teo "github.com/edgepurge/edgepurge/internal/edgeone/v20220901"
	"github.com/edgepurge/edgepurge/purge"
)

const version20220901 = teo.APIVersion

// api20220901 is the API of version 2022-09-01.
type api20220901 struct{ client *teo.Client }

func newAPI20220901(cfg Config, p *profile.ClientProfile, through *transport) (api, error) {
	client, err := teo.NewClient(cfg.Credentials, cfg.Region, p)
	if err != nil {
		return nil, fmt.Errorf("set up API %s: %w", version20220901, err)
	}
	client.WithHttpTransport(through)
	return api20220901{client: client}, nil
}

// traits: the API docs say of every offset that it counts rows.
func (a api20220901) traits() traits {
	return traits{
		zonesLimit:   100,
		unsuccessful: []string{StatusProcessing, StatusFailed, StatusTimeout, StatusCanceled},
	}
}

func (a api20220901) createPurge(ctx context.Context, p Purge) (Created, error) {
	req := teo.NewCreatePurgeTaskRequest()
	req.ZoneId = optional(p.Zone)
	req.Type = optional(TypeName(p.Type))
	if p.Type != purge.URL && p.Type != purge.Tag {
		req.Method = optional(p.Method)
	}
	if p.Type != purge.All {
		req.Targets = optionals(p.Targets)
	}
	if p.Type == purge.Tag && len(p.Hosts) > 0 {
		req.CacheTag = &teo.CacheTag{Domains: common.StringPtrs(p.Hosts)}
	}
	res, err := a.client.CreatePurgeTaskWithContext(ctx, req)
	if err != nil {
		return Created{}, err
	}
	if res.Response == nil {
		return Created{}, errNoAnswer
	}
	return Created{
		JobID:     value(res.Response.JobId),
		Refused:   refusals20220901(res.Response.FailedList),
		RequestID: value(res.Response.RequestId),
	}, nil
}

func refusals20220901(list []*teo.FailReason) []Refusal {
	var refused []Refusal
	for _, f := range list {
		if f != nil {
			refused = append(refused, Refusal{Reason: value(f.Reason), Targets: values(f.Targets)})
		}
	}
	return refused
}

func (a api20220901) purgeTasks(ctx context.Context, q TaskQuery) (page[Task], error) {
	req := teo.NewDescribePurgeTasksRequest()
	req.ZoneId = optional(q.Zone)
	req.StartTime = optional(floorSecond(q.From))
	req.EndTime = optional(ceilSecond(q.To))
	req.Offset = new(int64(q.Offset))
	req.Limit = new(int64(q.Limit))
	req.Filters = filters20220901(q)
	res, err := a.client.DescribePurgeTasksWithContext(ctx, req)
	if err != nil {
		return page[Task]{}, err
	}
	if res.Response == nil {
		return page[Task]{}, errNoAnswer
	}
	return pageOf(res.Response.Tasks, count(res.Response.TotalCount), task20220901), nil
}

func filters20220901(q TaskQuery) []*teo.AdvancedFilter {
	var filters []*teo.AdvancedFilter
	add := func(name string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			filters = append(filters, &teo.AdvancedFilter{Name: &name, Values: common.StringPtrs(values)})
		}
	}
	add("job-id", q.JobID)
	add("target", q.Target)
	add("domains", q.Domains...)
	add("statuses", q.Statuses...)
	add("type", TypeName(q.Type))
	return filters
}

func task20220901(t *teo.Task) Task {
	return Task{
		JobID:       value(t.JobId),
		Target:      value(t.Target),
		Type:        typeNamed(value(t.Type)),
		Method:      value(t.Method),
		Status:      value(t.Status),
		FailType:    value(t.FailType),
		FailMessage: value(t.FailMessage),
		Created:     parseTime(value(t.CreateTime)),
		Updated:     parseTime(value(t.UpdateTime)),
	}
}

func (a api20220901) quotas(ctx context.Context, zone string) (map[purge.Type]Quota, error) {
	req := teo.NewDescribeContentQuotaRequest()
	req.ZoneId = optional(zone)
	res, err := a.client.DescribeContentQuotaWithContext(ctx, req)
	if err != nil {
		return nil, err
	}
	if res.Response == nil {
		return nil, errNoAnswer
	}
	quotas := make(map[purge.Type]Quota)
	for _, rows := range [][]*teo.Quota{res.Response.PurgeQuota, res.Response.PrefetchQuota} {
		for _, q := range rows {
			if q != nil && q.Type != nil && q.Batch != nil && q.Daily != nil && q.DailyAvailable != nil {
				quotas[typeNamed(*q.Type)] = Quota{
					Batch: int(*q.Batch), Daily: int(*q.Daily), DailyAvailable: int(*q.DailyAvailable),
				}
			}
		}
	}
	return quotas, nil
}

func (a api20220901) zones(ctx context.Context, offset, limit int) (page[Zone], error) {
	req := teo.NewDescribeZonesRequest()
	req.Offset = new(int64(offset))
	req.Limit = new(int64(limit))
	res, err := a.client.DescribeZonesWithContext(ctx, req)
	if err != nil {
		return page[Zone]{}, err
	}
	if res.Response == nil {
		return page[Zone]{}, errNoAnswer
	}
	return pageOf(res.Response.Zones, count(res.Response.TotalCount), zone20220901), nil
}

func zone20220901(z *teo.Zone) Zone {
	return Zone{
		ID:           value(z.ZoneId),
		Name:         value(z.ZoneName),
		Alias:        value(z.AliasZoneName),
		Type:         value(z.Type),
		Status:       value(z.Status),
		ActiveStatus: value(z.ActiveStatus),
		LockStatus:   value(z.LockStatus),
		Paused:       value(z.Paused),
	}
}

func (a api20220901) domains(ctx context.Context, zone string, offset, limit int) (page[Domain], error) {
	req := teo.NewDescribeAccelerationDomainsRequest()
	req.ZoneId = optional(zone)
	req.Offset = new(int64(offset))
	req.Limit = new(int64(limit))
	res, err := a.client.DescribeAccelerationDomainsWithContext(ctx, req)
	if err != nil {
		return page[Domain]{}, err
	}
	if res.Response == nil {
		return page[Domain]{}, errNoAnswer
	}
	return pageOf(res.Response.AccelerationDomains, count(res.Response.TotalCount), func(d *teo.AccelerationDomain) Domain {
		return Domain{Name: value(d.DomainName), Status: value(d.DomainStatus)}
	}), nil
}
