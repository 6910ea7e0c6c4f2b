//nolint:revive,staticcheck // the names are the SDK's, the tag is its encoder's
package v20220901

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// DescribeAccelerationDomainsRequest asks for one page of a zone's host names.
type DescribeAccelerationDomainsRequest struct {
	*tchttp.BaseRequest

	// ZoneId is required.
	ZoneId *string `json:"ZoneId,omitnil,omitempty"`
	// Offset counts rows. The API's default is 0.
	Offset *int64 `json:"Offset,omitnil,omitempty"`
	// Limit is at most 200. The API's default is 20.
	Limit *int64 `json:"Limit,omitnil,omitempty"`
	// Filters: domain-name, origin-type, origin, backup-origin, domain-cname, share-cname.
	Filters []*AdvancedFilter `json:"Filters,omitnil,omitempty"`
}

// DescribeAccelerationDomainsResponse is the answer's envelope. Response is nil for the body {}.
type DescribeAccelerationDomainsResponse struct {
	*tchttp.BaseResponse

	Response *DescribeAccelerationDomainsResponseParams `json:"Response"`
}

// DescribeAccelerationDomainsResponseParams is one page. Any field may be missing.
type DescribeAccelerationDomainsResponseParams struct {
	// TotalCount counts the rows of all pages.
	TotalCount          *int64                `json:"TotalCount,omitnil,omitempty"`
	AccelerationDomains []*AccelerationDomain `json:"AccelerationDomains,omitnil,omitempty"`
	RequestId           *string               `json:"RequestId,omitnil,omitempty"`
}

// AccelerationDomain is a host name that EdgeOne serves; it may be a wildcard.
type AccelerationDomain struct {
	ZoneId     *string `json:"ZoneId,omitnil,omitempty"`
	DomainName *string `json:"DomainName,omitnil,omitempty"`
	// DomainStatus is online, process, offline, forbidden or init.
	DomainStatus *string `json:"DomainStatus,omitnil,omitempty"`
}

// NewDescribeAccelerationDomainsRequest returns an empty request.
func NewDescribeAccelerationDomainsRequest() *DescribeAccelerationDomainsRequest {
	request := &DescribeAccelerationDomainsRequest{BaseRequest: &tchttp.BaseRequest{}}
	request.Init().WithApiInfo(service, APIVersion, "DescribeAccelerationDomains")
	return request
}

// NewDescribeAccelerationDomainsResponse returns an answer to be read into.
func NewDescribeAccelerationDomainsResponse() *DescribeAccelerationDomainsResponse {
	return &DescribeAccelerationDomainsResponse{BaseResponse: &tchttp.BaseResponse{}}
}
