//nolint:revive // the names are the SDK's
package v20220901

// Error codes of the product, named as in the SDK. Codes of the gateway (AuthFailure.*,
// RequestLimitExceeded.* and the like) are common to all products, and the SDK has no names for them.
const (
	// The operation did not succeed.
	FAILEDOPERATION = "FailedOperation"

	// Faults of the service.
	INTERNALERROR              = "InternalError"
	INTERNALERROR_BACKENDERROR = "InternalError.BackendError"
	INTERNALERROR_DOMAINCONFIG = "InternalError.DomainConfig"
	INTERNALERROR_PROXYSERVER  = "InternalError.ProxyServer"
	INTERNALERROR_QUOTASYSTEM  = "InternalError.QuotaSystem"

	// What was asked cannot be done as it was asked.
	INVALIDPARAMETER = "InvalidParameter"
	// Another change is under way: ask again later.
	INVALIDPARAMETER_ACTIONINPROGRESS = "InvalidParameter.ActionInProgress"
	// The domain does not exist, or belongs to another account.
	INVALIDPARAMETER_DOMAINNOTFOUND = "InvalidParameter.DomainNotFound"
	// The domain's traffic is scheduled.
	INVALIDPARAMETER_DOMAINONTRAFFICSCHEDULING = "InvalidParameter.DomainOnTrafficScheduling"
	// The generic one; also a query window of more than 7 days.
	INVALIDPARAMETER_PARAMETERERROR = "InvalidParameter.ParameterError"
	// A target is not acceptable.
	INVALIDPARAMETER_TARGET = "InvalidParameter.Target"
	// No job came of it.
	INVALIDPARAMETER_TASKNOTGENERATED = "InvalidParameter.TaskNotGenerated"
	// A fault of the service, in spite of its family.
	INVALIDPARAMETER_TASKSYSTEMERROR = "InvalidParameter.TaskSystemError"
	// A filter has too many values.
	INVALIDPARAMETER_TOOMANYFILTERVALUES = "InvalidParameter.TooManyFilterValues"
	// A link to an uploaded list is not acceptable.
	INVALIDPARAMETER_UPLOADURL = "InvalidParameter.UploadUrl"
	// The zone is being upgraded: ask again later.
	INVALIDPARAMETER_ZONEISGRAYPUBLISHING = "InvalidParameter.ZoneIsGrayPublishing"
	// There is no such zone.
	INVALIDPARAMETER_ZONENOTFOUND = "InvalidParameter.ZoneNotFound"
	// A value is out of range.
	INVALIDPARAMETERVALUE = "InvalidParameterValue"

	// A quota, which one is not told.
	LIMITEXCEEDED = "LimitExceeded"
	// Too many targets in one submission.
	LIMITEXCEEDED_BATCHQUOTA = "LimitExceeded.BatchQuota"
	// Too many targets today.
	LIMITEXCEEDED_DAILYQUOTA = "LimitExceeded.DailyQuota"
	// The zone's plan does not have it.
	LIMITEXCEEDED_PACKNOTALLOW = "LimitExceeded.PackNotAllow"
	// Too many requests in a second.
	LIMITEXCEEDED_RATELIMITEXCEEDED = "LimitExceeded.RateLimitExceeded"

	// A parameter is missing.
	MISSINGPARAMETER = "MissingParameter"

	// The account, zone or domain is not in a state that allows it.
	OPERATIONDENIED = "OperationDenied"

	// Resources: short of them, missing, out of reach.
	RESOURCEINSUFFICIENT               = "ResourceInsufficient"
	RESOURCENOTFOUND                   = "ResourceNotFound"
	RESOURCEUNAVAILABLE                = "ResourceUnavailable"
	RESOURCEUNAVAILABLE_DOMAINNOTFOUND = "ResourceUnavailable.DomainNotFound"
	RESOURCEUNAVAILABLE_HOSTNOTFOUND   = "ResourceUnavailable.HostNotFound"
	RESOURCEUNAVAILABLE_ZONENOTFOUND   = "ResourceUnavailable.ZoneNotFound"

	// The credential may not do it.
	UNAUTHORIZEDOPERATION                 = "UnauthorizedOperation"
	UNAUTHORIZEDOPERATION_CAMUNAUTHORIZED = "UnauthorizedOperation.CamUnauthorized"
	UNAUTHORIZEDOPERATION_DOMAINEMPTY     = "UnauthorizedOperation.DomainEmpty"
	UNAUTHORIZEDOPERATION_NOPERMISSION    = "UnauthorizedOperation.NoPermission"
	// A fault of the service, in spite of its family: its text says so.
	UNAUTHORIZEDOPERATION_UNKNOWN = "UnauthorizedOperation.Unknown"

	// The operation is not supported.
	UNSUPPORTEDOPERATION = "UnsupportedOperation"
)
