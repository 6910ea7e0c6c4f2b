package v20220901

import (
	"context"
	"errors"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
)

// APIVersion is the version that every request of this package names.
const APIVersion = "2022-09-01"

// service is the product's name in the credential scope and in the default host name.
const service = "teo"

// Client calls EdgeOne. It is safe for concurrent use once configured; a request value is not, for
// sending fills it in.
type Client struct {
	common.Client
}

// NewClient returns a client that signs with credential. It does no I/O. The region may be empty:
// this version of the API needs none. The error is always nil; it is there for the SDK's signature.
func NewClient(credential common.CredentialIface, region string, clientProfile *profile.ClientProfile) (*Client, error) {
	client := &Client{}
	client.Init(region).WithCredential(credential).WithProfile(clientProfile)
	return client, nil
}

// CreatePurgeTaskWithContext submits targets to be purged. It is not idempotent: each accepted call
// is a new job and is counted against the quota.
//
// Error codes: INTERNALERROR_{BACKENDERROR,DOMAINCONFIG,PROXYSERVER,QUOTASYSTEM},
// INVALIDPARAMETER_{DOMAINNOTFOUND,PARAMETERERROR,TARGET,TASKNOTGENERATED,UPLOADURL},
// LIMITEXCEEDED_{BATCHQUOTA,DAILYQUOTA,PACKNOTALLOW},
// UNAUTHORIZEDOPERATION_{CAMUNAUTHORIZED,NOPERMISSION,UNKNOWN}, and those of the gateway.
func (c *Client) CreatePurgeTaskWithContext(ctx context.Context, request *CreatePurgeTaskRequest) (*CreatePurgeTaskResponse, error) {
	if request == nil {
		request = NewCreatePurgeTaskRequest()
	}
	response := NewCreatePurgeTaskResponse()
	return response, c.do(ctx, "CreatePurgeTask", &request.BaseRequest, request, response)
}

// DescribePurgeTasksWithContext lists tasks of a zone, by job or by time of creation.
//
// Error codes: INTERNALERROR, INVALIDPARAMETER_PARAMETERERROR (also: a window over 7 days),
// OPERATIONDENIED, and those of the gateway.
func (c *Client) DescribePurgeTasksWithContext(ctx context.Context, request *DescribePurgeTasksRequest) (*DescribePurgeTasksResponse, error) {
	if request == nil {
		request = NewDescribePurgeTasksRequest()
	}
	response := NewDescribePurgeTasksResponse()
	return response, c.do(ctx, "DescribePurgeTasks", &request.BaseRequest, request, response)
}

// DescribeContentQuotaWithContext tells what a zone may still purge and prefetch today.
//
// Error codes: UNAUTHORIZEDOPERATION_{CAMUNAUTHORIZED,NOPERMISSION,UNKNOWN}, and those of the gateway.
func (c *Client) DescribeContentQuotaWithContext(ctx context.Context, request *DescribeContentQuotaRequest) (*DescribeContentQuotaResponse, error) {
	if request == nil {
		request = NewDescribeContentQuotaRequest()
	}
	response := NewDescribeContentQuotaResponse()
	return response, c.do(ctx, "DescribeContentQuota", &request.BaseRequest, request, response)
}

// DescribeZonesWithContext lists the zones that the credential may see.
//
// Error codes: INTERNALERROR_PROXYSERVER, OPERATIONDENIED,
// UNAUTHORIZEDOPERATION_{CAMUNAUTHORIZED,NOPERMISSION,UNKNOWN}, and those of the gateway.
func (c *Client) DescribeZonesWithContext(ctx context.Context, request *DescribeZonesRequest) (*DescribeZonesResponse, error) {
	if request == nil {
		request = NewDescribeZonesRequest()
	}
	response := NewDescribeZonesResponse()
	return response, c.do(ctx, "DescribeZones", &request.BaseRequest, request, response)
}

// DescribeAccelerationDomainsWithContext lists the host names that a zone accelerates.
//
// Error codes: FAILEDOPERATION, INTERNALERROR_PROXYSERVER,
// INVALIDPARAMETER_{DOMAINONTRAFFICSCHEDULING,TOOMANYFILTERVALUES}, OPERATIONDENIED, RESOURCENOTFOUND,
// UNAUTHORIZEDOPERATION_{CAMUNAUTHORIZED,NOPERMISSION,UNKNOWN}, and those of the gateway.
func (c *Client) DescribeAccelerationDomainsWithContext(ctx context.Context, request *DescribeAccelerationDomainsRequest) (*DescribeAccelerationDomainsResponse, error) {
	if request == nil {
		request = NewDescribeAccelerationDomainsRequest()
	}
	response := NewDescribeAccelerationDomainsResponse()
	return response, c.do(ctx, "DescribeAccelerationDomains", &request.BaseRequest, request, response)
}

// do sends one request, once. base is the request's embedded part, which a caller may have left nil.
func (c *Client) do(ctx context.Context, action string, base **tchttp.BaseRequest, request tchttp.Request, response tchttp.Response) error {
	c.InitBaseRequest(base, service, APIVersion, action)
	if c.GetCredential() == nil {
		return errors.New(action + " needs a credential")
	}
	request.SetContext(ctx)
	return c.Send(request, response)
}
