package edgeone

import (
	"cmp"
	"context"
	"fmt"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	teo "github.com/edgepurge/edgepurge/internal/edgeone/v20220106"
	"github.com/edgepurge/edgepurge/purge"
)

const version20220106 = teo.APIVersion

// defaultRegion is sent where none is configured: this version refuses calls without one. The region
// decides nothing else, for zones belong to the account.
const defaultRegion = "ap-guangzhou"

// api20220106 is the API of version 2022-01-06.
type api20220106 struct{ client *teo.Client }

func newAPI20220106(cfg Config, p *profile.ClientProfile, through *transport) (api, error) {
	client, err := teo.NewClient(cfg.Credentials, cmp.Or(cfg.Region, defaultRegion), p)
	if err != nil {
		return nil, fmt.Errorf("set up API %s: %w", version20220106, err)
	}
	client.WithHttpTransport(through)
	return api20220106{client: client}, nil
}

// traits: a page of zones is as large as one of tasks, and whether offsets count rows is not clear.
func (a api20220106) traits() traits {
	return traits{
		zonesLimit: 1000, vagueOffset: true,
		unsuccessful: []string{StatusProcessing, StatusFailed, StatusTimeout, StatusInvalid},
	}
}

// createPurge sends nothing that it can't express: a method that was left out would purge otherwise
// than was asked for.
func (a api20220106) createPurge(ctx context.Context, p Purge) (Created, error) {
	if _, why := Unsupported(version20220106, p.Type, p.Method, len(p.Hosts) > 0); why != "" {
		return Created{}, fmt.Errorf("%w: %s", errLacking, why)
	}
	req := teo.NewCreatePurgeTaskRequest()
	req.ZoneId = optional(p.Zone)
	req.Type = optional(TypeName(p.Type))
	if p.Type != purge.All {
		req.Targets = optionals(p.Targets)
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
		Refused:   refusals20220106(res.Response.FailedList),
		RequestID: value(res.Response.RequestId),
	}, nil
}

func refusals20220106(list []*teo.FailReason) []Refusal {
	var refused []Refusal
	for _, f := range list {
		if f != nil {
			refused = append(refused, Refusal{Reason: value(f.Reason), Targets: values(f.Targets)})
		}
	}
	return refused
}

func (a api20220106) purgeTasks(ctx context.Context, q TaskQuery) (page[Task], error) {
	req := teo.NewDescribePurgeTasksRequest()
	req.ZoneId = optional(q.Zone)
	req.JobId = optional(q.JobID)
	req.StartTime = optional(floorSecond(q.From))
	req.EndTime = optional(ceilSecond(q.To))
	req.Type = optional(TypeName(q.Type))
	req.Target = optional(q.Target)
	req.Statuses = optionals(q.Statuses)
	req.Domains = optionals(q.Domains)
	req.Offset = new(int64(q.Offset))
	req.Limit = new(int64(q.Limit))
	res, err := a.client.DescribePurgeTasksWithContext(ctx, req)
	if err != nil {
		return page[Task]{}, err
	}
	if res.Response == nil {
		return page[Task]{}, errNoAnswer
	}
	return pageOf(res.Response.Tasks, count(res.Response.TotalCount), task20220106), nil
}

func task20220106(t *teo.Task) Task {
	return Task{
		JobID:   value(t.JobId),
		Target:  value(t.Target),
		Type:    typeNamed(value(t.Type)),
		Status:  value(t.Status),
		Created: parseTime(value(t.CreateTime)),
		Updated: parseTime(value(t.UpdateTime)),
	}
}

func (a api20220106) quotas(context.Context, string) (map[purge.Type]Quota, error) {
	return nil, lacking(version20220106, actionQuota)
}

func (a api20220106) zones(ctx context.Context, offset, limit int) (page[Zone], error) {
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
	return pageOf(res.Response.Zones, count(res.Response.TotalCount), zone20220106), nil
}

func zone20220106(z *teo.Zone) Zone {
	return Zone{
		ID:     value(z.Id),
		Name:   value(z.Name),
		Type:   value(z.Type),
		Status: value(z.Status),
		Paused: value(z.Paused),
	}
}

func (a api20220106) domains(context.Context, string, int, int) (page[Domain], error) {
	return page[Domain]{}, lacking(version20220106, actionDomains)
}
