//nolint:revive,staticcheck // the names are the SDK's, the tag is its encoder's
package v20220901

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// DescribeContentQuotaRequest asks for the quotas of a zone.
type DescribeContentQuotaRequest struct {
	*tchttp.BaseRequest

	// ZoneId is required.
	ZoneId *string `json:"ZoneId,omitnil,omitempty"`
}

// DescribeContentQuotaResponse is the answer's envelope. Response is nil for the body {}.
type DescribeContentQuotaResponse struct {
	*tchttp.BaseResponse

	Response *DescribeContentQuotaResponseParams `json:"Response"`
}

// DescribeContentQuotaResponseParams holds one row for each type; either list may be null.
type DescribeContentQuotaResponseParams struct {
	PurgeQuota    []*Quota `json:"PurgeQuota,omitnil,omitempty"`
	PrefetchQuota []*Quota `json:"PrefetchQuota,omitnil,omitempty"`
	RequestId     *string  `json:"RequestId,omitnil,omitempty"`
}

// Quota counts targets of one type.
type Quota struct {
	// Batch is the most targets that one submission may hold.
	Batch *int64 `json:"Batch,omitnil,omitempty"`
	// Daily is the most targets of a day, DailyAvailable what is left of them.
	Daily          *int64 `json:"Daily,omitnil,omitempty"`
	DailyAvailable *int64 `json:"DailyAvailable,omitnil,omitempty"`
	// Type is one of the five purge types or prefetch_url.
	Type *string `json:"Type,omitnil,omitempty"`
}

// NewDescribeContentQuotaRequest returns an empty request.
func NewDescribeContentQuotaRequest() *DescribeContentQuotaRequest {
	request := &DescribeContentQuotaRequest{BaseRequest: &tchttp.BaseRequest{}}
	request.Init().WithApiInfo(service, APIVersion, "DescribeContentQuota")
	return request
}

// NewDescribeContentQuotaResponse returns an answer to be read into.
func NewDescribeContentQuotaResponse() *DescribeContentQuotaResponse {
	return &DescribeContentQuotaResponse{BaseResponse: &tchttp.BaseResponse{}}
}
