//nolint:revive,staticcheck // the names are the SDK's, the tag is its encoder's
package v20220106

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// DescribePurgeTasksRequest asks for one page of tasks. A nil field is absent from the body; all that
// are there must hold.
type DescribePurgeTasksRequest struct {
	*tchttp.BaseRequest

	// JobId, or StartTime and EndTime, are needed.
	JobId *string `json:"JobId,omitnil,omitempty"`
	// Type is purge_url, purge_prefix, purge_host or purge_all.
	Type *string `json:"Type,omitnil,omitempty"`
	// StartTime and EndTime bound the creation time: UTC, as 2006-01-02T15:04:05Z.
	StartTime *string `json:"StartTime,omitnil,omitempty"`
	EndTime   *string `json:"EndTime,omitnil,omitempty"`
	// Offset is where the page begins: rows by its name, pages by its description ("with the value 2,
	// pages from the second to the last are asked for"). The API's default is 0.
	Offset *int64 `json:"Offset,omitnil,omitempty"`
	// Limit is 1 to 1000. The API's default is 100.
	Limit *int64 `json:"Limit,omitnil,omitempty"`
	// Statuses are of processing, success, failed, timeout and invalid.
	Statuses []*string `json:"Statuses,omitnil,omitempty"`
	ZoneId   *string   `json:"ZoneId,omitnil,omitempty"`
	// Domains are at most 100 host names.
	Domains []*string `json:"Domains,omitnil,omitempty"`
	// Target is one target.
	Target *string `json:"Target,omitnil,omitempty"`
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
	JobId *string `json:"JobId,omitnil,omitempty"`
	// Status is processing, success, failed, timeout or invalid.
	Status     *string `json:"Status,omitnil,omitempty"`
	Target     *string `json:"Target,omitnil,omitempty"`
	Type       *string `json:"Type,omitnil,omitempty"`
	CreateTime *string `json:"CreateTime,omitnil,omitempty"`
	// UpdateTime is the time of completion.
	UpdateTime *string `json:"UpdateTime,omitnil,omitempty"`
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
