//nolint:revive,staticcheck // the names are the SDK's, the tag is its encoder's
package v20220901

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// DescribeZonesRequest asks for one page of zones. Without a filter: all that the credential sees.
type DescribeZonesRequest struct {
	*tchttp.BaseRequest

	// Offset counts rows. The API's default is 0.
	Offset *int64 `json:"Offset,omitnil,omitempty"`
	// Limit is at most 100. The API's default is 20.
	Limit *int64 `json:"Limit,omitnil,omitempty"`
	// Filters: zone-name, zone-type, zone-id, status, tag-key, tag-value, alias-zone-name.
	Filters []*AdvancedFilter `json:"Filters,omitnil,omitempty"`
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

// Zone is a site. Two zones may share a ZoneName; AliasZoneName tells them apart.
type Zone struct {
	ZoneId        *string `json:"ZoneId,omitnil,omitempty"`
	ZoneName      *string `json:"ZoneName,omitnil,omitempty"`
	AliasZoneName *string `json:"AliasZoneName,omitnil,omitempty"`
	// Type is full, partial, noDomainAccess, dnsPodAccess, pages or ai.
	Type *string `json:"Type,omitnil,omitempty"`
	// Area is global, mainland or overseas.
	Area *string `json:"Area,omitnil,omitempty"`
	// Status is active, pending, moved, deactivated or initializing.
	Status *string `json:"Status,omitnil,omitempty"`
	// ActiveStatus is active, inactive or paused.
	ActiveStatus *string `json:"ActiveStatus,omitnil,omitempty"`
	Paused       *bool   `json:"Paused,omitnil,omitempty"`
	// LockStatus is enable, disable or plan_migrate.
	LockStatus *string `json:"LockStatus,omitnil,omitempty"`
	// CnameStatus is finished or pending.
	CnameStatus *string `json:"CnameStatus,omitnil,omitempty"`
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
