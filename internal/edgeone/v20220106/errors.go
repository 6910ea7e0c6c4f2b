//nolint:revive,staticcheck // the names are the SDK's
package v20220106

// Error codes of the product in this version, named as in the SDK. Codes of the gateway (AuthFailure.*,
// RequestLimitExceeded.* and the like) are common to all products, and the SDK has no names for them.
const (
	// Faults of the service.
	INTERNALERROR              = "InternalError"
	INTERNALERROR_BACKENDERROR = "InternalError.BackendError"
	INTERNALERROR_DOMAINCONFIG = "InternalError.DomainConfig"
	INTERNALERROR_QUOTASYSTEM  = "InternalError.QuotaSystem"

	// The domain does not exist, or belongs to another account.
	INVALIDPARAMETER_DOMAINNOTFOUND = "InvalidParameter.DomainNotFound"
	// The generic one; also a query window of more than 7 days.
	INVALIDPARAMETER_PARAMETERERROR = "InvalidParameter.ParameterError"
	// A target is not acceptable.
	INVALIDPARAMETER_TARGET = "InvalidParameter.Target"
	// No job came of it.
	INVALIDPARAMETER_TASKNOTGENERATED = "InvalidParameter.TaskNotGenerated"
	// A link to an uploaded list is not acceptable.
	INVALIDPARAMETER_UPLOADURL = "InvalidParameter.UploadUrl"

	// Too many targets in one submission.
	LIMITEXCEEDED_BATCHQUOTA = "LimitExceeded.BatchQuota"
	// Too many targets today.
	LIMITEXCEEDED_DAILYQUOTA = "LimitExceeded.DailyQuota"

	// The account, zone or domain is not in a state that allows it.
	OPERATIONDENIED = "OperationDenied"

	// The credential may not do it.
	UNAUTHORIZEDOPERATION_CAMUNAUTHORIZED = "UnauthorizedOperation.CamUnauthorized"
	UNAUTHORIZEDOPERATION_NOPERMISSION    = "UnauthorizedOperation.NoPermission"
)
