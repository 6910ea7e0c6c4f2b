package v20220106

import (
	"context"
	"errors"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
)

// APIVersion is the version that every request of this package names.
const APIVersion = "2022-01-06"

// service is the product's name in the credential scope and in the default host name.
const service = "teo"

// Client calls EdgeOne. It is safe for concurrent use once configured; a request value is not, for
// sending fills it in.
type Client struct {
	common.Client
}

// NewClient returns a client that signs with credential. It does no I/O. This version of the API
// refuses calls without a region. The error is always nil; it is there for the SDK's signature.
func NewClient(credential common.CredentialIface, region string, clientProfile *profile.ClientProfile) (*Client, error) {
	client := &Client{}
	client.Init(region).WithCredential(credential).WithProfile(clientProfile)
	return client, nil
}

// CreatePurgeTaskWithContext submits targets to be purged. It is not idempotent: each accepted call
// is a new job and is counted against the quota.
//
// Error codes: INTERNALERROR_{BACKENDERROR,DOMAINCONFIG,QUOTASYSTEM},
// INVALIDPARAMETER_{DOMAINNOTFOUND,PARAMETERERROR,TARGET,TASKNOTGENERATED,UPLOADURL},
// LIMITEXCEEDED_{BATCHQUOTA,DAILYQUOTA}, OPERATIONDENIED,
// UNAUTHORIZEDOPERATION_{CAMUNAUTHORIZED,NOPERMISSION}, and those of the gateway.
func (c *Client) CreatePurgeTaskWithContext(ctx context.Context, request *CreatePurgeTaskRequest) (*CreatePurgeTaskResponse, error) {
	if request == nil {
		request = NewCreatePurgeTaskRequest()
	}
	response := NewCreatePurgeTaskResponse()
	return response, c.do(ctx, "CreatePurgeTask", &request.BaseRequest, request, response)
}

// DescribePurgeTasksWithContext lists tasks of a zone, by job or by time of creation.
//
// Error codes: INTERNALERROR, INVALIDPARAMETER_PARAMETERERROR, and those of the gateway.
func (c *Client) DescribePurgeTasksWithContext(ctx context.Context, request *DescribePurgeTasksRequest) (*DescribePurgeTasksResponse, error) {
	if request == nil {
		request = NewDescribePurgeTasksRequest()
	}
	response := NewDescribePurgeTasksResponse()
	return response, c.do(ctx, "DescribePurgeTasks", &request.BaseRequest, request, response)
}

// DescribeZonesWithContext lists the zones that the credential may see.
//
// Error codes: OPERATIONDENIED, UNAUTHORIZEDOPERATION_{CAMUNAUTHORIZED,NOPERMISSION}, and those of the
// gateway.
func (c *Client) DescribeZonesWithContext(ctx context.Context, request *DescribeZonesRequest) (*DescribeZonesResponse, error) {
	if request == nil {
		request = NewDescribeZonesRequest()
	}
	response := NewDescribeZonesResponse()
	return response, c.do(ctx, "DescribeZones", &request.BaseRequest, request, response)
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
