//nolint:revive,staticcheck // the names are the SDK's, the tag is its encoder's
package v20220106

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// CreatePurgeTaskRequest asks for a purge. A nil field is absent from the body.
type CreatePurgeTaskRequest struct {
	*tchttp.BaseRequest

	// ZoneId is required.
	ZoneId *string `json:"ZoneId,omitnil,omitempty"`
	// Type is required: purge_url, purge_prefix, purge_host or purge_all.
	Type *string `json:"Type,omitnil,omitempty"`
	// Targets are needed for every type but purge_all.
	Targets []*string `json:"Targets,omitnil,omitempty"`
}

// CreatePurgeTaskResponse is the answer's envelope. Response is nil for the body {}.
type CreatePurgeTaskResponse struct {
	*tchttp.BaseResponse

	Response *CreatePurgeTaskResponseParams `json:"Response"`
}

// CreatePurgeTaskResponseParams is what a CreatePurgeTask yields. Any field may be missing.
type CreatePurgeTaskResponseParams struct {
	// JobId names the job; it may be empty when every target was refused.
	JobId *string `json:"JobId,omitnil,omitempty"`
	// FailedList holds the targets that were refused; null and [] both mean none.
	FailedList []*FailReason `json:"FailedList,omitnil,omitempty"`
	RequestId  *string       `json:"RequestId,omitnil,omitempty"`
}

// FailReason is one reason and the targets, spelled as in the request, that it holds for.
type FailReason struct {
	Reason  *string   `json:"Reason,omitnil,omitempty"`
	Targets []*string `json:"Targets,omitnil,omitempty"`
}

// NewCreatePurgeTaskRequest returns an empty request.
func NewCreatePurgeTaskRequest() *CreatePurgeTaskRequest {
	request := &CreatePurgeTaskRequest{BaseRequest: &tchttp.BaseRequest{}}
	request.Init().WithApiInfo(service, APIVersion, "CreatePurgeTask")
	return request
}

// NewCreatePurgeTaskResponse returns an answer to be read into.
func NewCreatePurgeTaskResponse() *CreatePurgeTaskResponse {
	return &CreatePurgeTaskResponse{BaseResponse: &tchttp.BaseResponse{}}
}
