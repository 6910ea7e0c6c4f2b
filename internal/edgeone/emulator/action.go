package emulator

import (
	"maps"
	"slices"
)

const (
	actionCreatePurge        = "CreatePurgeTask"
	actionDescribePurges     = "DescribePurgeTasks"
	actionCreatePrefetch     = "CreatePrefetchTask"
	actionDescribePrefetches = "DescribePrefetchTasks"
	actionContentQuota       = "DescribeContentQuota"
	actionZones              = "DescribeZones"
	actionDomains            = "DescribeAccelerationDomains"
)

// action executes a call whose sender is known.
type action func(e *Emulator, c *call) (response any, r *refusal)

// version is an API version: its actions, and whether a call must name a region.
type version struct {
	regional bool
	actions  map[string]action
}

// versions returns the API versions by their X-TC-Version.
func versions() map[string]version {
	return map[string]version{
		"2022-09-01": {actions: map[string]action{
			actionCreatePurge:        createPurgeTask,
			actionDescribePurges:     describePurgeTasks,
			actionCreatePrefetch:     createPrefetchTask,
			actionDescribePrefetches: describePrefetchTasks,
			actionContentQuota:       describeContentQuota,
			actionZones:              describeZones,
			actionDomains:            describeAccelerationDomains,
		}},
		"2022-01-06": {regional: true, actions: map[string]action{
			actionCreatePurge:        createPurgeTask20220106,
			actionDescribePurges:     describePurgeTasks20220106,
			actionCreatePrefetch:     createPrefetchTask20220106,
			actionDescribePrefetches: describePrefetchTasks20220106,
			actionZones:              describeZones20220106,
		}},
	}
}

// actionNames returns the actions of all versions.
func actionNames(all map[string]version) []string {
	names := map[string]struct{}{}
	for _, v := range all {
		for name := range v.actions {
			names[name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
