//nolint:revive,staticcheck // the names are the SDK's, the tag is its encoder's
package v20220106

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// DescribeZonesRequest asks for one page of zones. Without a filter: all that the credential sees.
type DescribeZonesRequest struct {
	*tchttp.BaseRequest

	// Offset counts rows. The API's default is 0.
	Offset *int64 `json:"Offset,omitnil,omitempty"`
	// Limit is at most 1000, which is the API's default.
	Limit *int64 `json:"Limit,omitnil,omitempty"`
	// Filters: name, status, tagKey, tagValue.
	Filters []*ZoneFilter `json:"Filters,omitnil,omitempty"`
}

// ZoneFilter keeps the zones whose field Name has one of Values.
type ZoneFilter struct {
	Name   *string   `json:"Name,omitnil,omitempty"`
	Values []*string `json:"Values,omitnil,omitempty"`
	// Fuzzy asks for a partial match of the field name. The API's default is false.
	Fuzzy *bool `json:"Fuzzy,omitnil,omitempty"`
}

// DescribeZonesResponse is the answer's envelope. Response is nil for the body {}.
type DescribeZonesResponse struct {
	*tchttp.BaseResponse

	Response *DescribeZonesResponseParams `json:"Response"`
}

// DescribeZonesResponseParams is one page. Any field may be missing.
type DescribeZonesResponseParams struct {
	// TotalCount counts the rows of all pages.
	TotalCount *int64  `json:"TotalCount,omitnil,omitempty"`
	Zones      []*Zone `json:"Zones,omitnil,omitempty"`
	RequestId  *string `json:"RequestId,omitnil,omitempty"`
}

// Zone is a site.
type Zone struct {
	Id   *string `json:"Id,omitnil,omitempty"`
	Name *string `json:"Name,omitnil,omitempty"`
	// Status is active, pending, moved or deactivated.
	Status *string `json:"Status,omitnil,omitempty"`
	// Type is full or partial.
	Type   *string `json:"Type,omitnil,omitempty"`
	Paused *bool   `json:"Paused,omitnil,omitempty"`
	// CnameStatus is finished or pending.
	CnameStatus *string `json:"CnameStatus,omitnil,omitempty"`
	// Area is global, mainland or overseas.
	Area *string `json:"Area,omitnil,omitempty"`
}

// NewDescribeZonesRequest returns an empty request.
func NewDescribeZonesRequest() *DescribeZonesRequest {
	request := &DescribeZonesRequest{BaseRequest: &tchttp.BaseRequest{}}
	request.Init().WithApiInfo(service, APIVersion, "DescribeZones")
	return request
}

// NewDescribeZonesResponse returns an answer to be read into.
func NewDescribeZonesResponse() *DescribeZonesResponse {
	return &DescribeZonesResponse{BaseResponse: &tchttp.BaseResponse{}}
}
