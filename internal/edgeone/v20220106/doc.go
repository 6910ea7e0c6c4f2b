// Package v20220106 declares the three EdgeOne (teo) actions of API version 2022-01-06 that edgepurge
// calls, over the SDK's own common module, which signs and sends.
//
// It stands in for the package that the SDK generates for the whole product, as v20220901 does for
// the current version, and is to be swapped for it in the same way: by the import path
// github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/teo/v20220106 in package edgeone
// (version20220106.go). The exported names used here are the SDK's.
//
// # What this version lacks
//
// It is the older one, kept by EdgeOne for those who began with it. CreatePurgeTask has no Method and
// no CacheTag, and no cache tags among its types. DescribePurgeTasks has its criteria on top level
// instead of in filters, and its tasks tell no Method and no reason of a failure. There is no
// DescribeContentQuota and no DescribeAccelerationDomains. A call must name a region.
//
// # What differs from the SDK's package
//
//   - Only CreatePurgeTask, DescribePurgeTasks and DescribeZones are here, and only as XWithContext.
//   - Requests lack fields that edgepurge does not send: EncodeUrl of CreatePurgeTask. Zone lacks the
//     fields that have no part in a purge.
//   - There are no XRequestParams, ToJsonString and FromJsonString, and no `name` tags: these serve
//     the GET and form encodings, and edgepurge posts JSON only.
//
// The package holds no state, does no I/O but in XWithContext, resends nothing by itself, and knows
// nothing of pace, quotas or classes of errors: package edgeone does.
package v20220106
