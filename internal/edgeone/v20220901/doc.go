// Package v20220901 declares the five EdgeOne (teo) actions of API version 2022-09-01 that
// edgepurge calls, over the SDK's own common module, which signs and sends.
//
// It stands in for the package that the SDK generates for the whole product. That package is part
// of the module github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/teo, which the module
// registry does not always serve; the module .../tencentcloud/common, which it does, is all that
// is needed to speak to the API. The exported names used here are the SDK's, so that only the
// import path has to change.
//
// # Swapping it for the SDK's package
//
//  1. go get github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/teo
//  2. In package edgeone (class.go, codes.go, version20220901.go) replace the import path
//     github.com/edgepurge/edgepurge/internal/edgeone/v20220901 by
//     github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/teo/v20220901
//  3. Remove this directory. The tests of package edgeone hold for both.
//
// # What differs from the SDK's package
//
//   - Only CreatePurgeTask, DescribePurgeTasks, DescribeContentQuota, DescribeZones and
//     DescribeAccelerationDomains are here, and only as XWithContext: no form without a context.
//   - Requests lack fields that edgepurge does not send: EncodeUrl of CreatePurgeTask (deprecated),
//     Order, Direction and Match of the lists. Zone and AccelerationDomain lack the fields that
//     have no part in a purge (tags, certificates, name servers, origins). JSON fields that are not
//     declared are ignored when an answer is read.
//   - There are no XRequestParams, ToJsonString and FromJsonString, and no `name` tags: these serve
//     the GET and form encodings, and edgepurge posts JSON only.
//   - The error codes are those that these actions can give, and those that edgeone.Classify has
//     to tell from their families.
//
// The package holds no state, does no I/O but in XWithContext, resends nothing by itself, and knows
// nothing of pace, quotas or classes of errors: package edgeone does.
package v20220901
