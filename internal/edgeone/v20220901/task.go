//nolint:revive,staticcheck // the names are the SDK's, the tag is its encoder's
package v20220901

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// DescribePurgeTasksRequest asks for one page of tasks. A nil field is absent from the body.
type DescribePurgeTasksRequest struct {
	*tchttp.BaseRequest

	// ZoneId is required since 2024-05-30 (EdgeOne API docs, change notification).
	ZoneId *string `json:"ZoneId,omitnil,omitempty"`
	// StartTime and EndTime bound the creation time, at most 7 days apart. They, or a job-id
	// filter, are needed.
	StartTime *string `json:"StartTime,omitnil,omitempty"`
	EndTime   *string `json:"EndTime,omitnil,omitempty"`
	// Offset counts rows. The API's default is 0.
	Offset *int64 `json:"Offset,omitnil,omitempty"`
	// Limit is at most 1000. The API's default is 20.
	Limit *int64 `json:"Limit,omitnil,omitempty"`
	// Filters are joined by and: job-id, target, domains, statuses, type.
	Filters []*AdvancedFilter `json:"Filters,omitnil,omitempty"`
}

// AdvancedFilter keeps the rows whose field Name has one of Values, of which there are at most 20.
type AdvancedFilter struct {
	Name   *string   `json:"Name,omitnil,omitempty"`
	Values []*string `json:"Values,omitnil,omitempty"`
	// Fuzzy asks for a partial match where the field allows one. The API's default is false.
	Fuzzy *bool `json:"Fuzzy,omitnil,omitempty"`
}

// DescribePurgeTasksResponse is the answer's envelope. Response is nil for the body {}.
type DescribePurgeTasksResponse struct {
	*tchttp.BaseResponse

	Response *DescribePurgeTasksResponseParams `json:"Response"`
}

// DescribePurgeTasksResponseParams is one page. Any field may be missing.
type DescribePurgeTasksResponseParams struct {
	// TotalCount counts the rows of all pages.
	TotalCount *uint64 `json:"TotalCount,omitnil,omitempty"`
	Tasks      []*Task `json:"Tasks,omitnil,omitempty"`
	RequestId  *string `json:"RequestId,omitnil,omitempty"`
}

// Task is the state of one target of one job. Any field may be missing.
type Task struct {
	JobId  *string `json:"JobId,omitnil,omitempty"`
	Target *string `json:"Target,omitnil,omitempty"`
	Type   *string `json:"Type,omitnil,omitempty"`
	Method *string `json:"Method,omitnil,omitempty"`
	// Status is processing, success, failed, timeout or canceled.
	Status     *string `json:"Status,omitnil,omitempty"`
	CreateTime *string `json:"CreateTime,omitnil,omitempty"`
	// UpdateTime is the time of completion.
	UpdateTime *string `json:"UpdateTime,omitnil,omitempty"`
	// FailType is taskFailed, quotaExceeded, downloadManifestFailed, accessDenied or originPullFailed.
	FailType    *string `json:"FailType,omitnil,omitempty"`
	FailMessage *string `json:"FailMessage,omitnil,omitempty"`
}

// NewDescribePurgeTasksRequest returns an empty request.
func NewDescribePurgeTasksRequest() *DescribePurgeTasksRequest {
	request := &DescribePurgeTasksRequest{BaseRequest: &tchttp.BaseRequest{}}
	request.Init().WithApiInfo(service, APIVersion, "DescribePurgeTasks")
	return request
}

// NewDescribePurgeTasksResponse returns an answer to be read into.
func NewDescribePurgeTasksResponse() *DescribePurgeTasksResponse {
	return &DescribePurgeTasksResponse{BaseResponse: &tchttp.BaseResponse{}}
}
