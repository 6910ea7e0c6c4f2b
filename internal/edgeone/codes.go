package edgeone

import (
	"strings"

	teo "github.com/edgepurge/edgepurge/internal/edgeone/v20220901"
)

// codeClasses holds the codes that are not what their family is. Sources: the action's error lists
// and the common error codes of the EdgeOne API docs.
var codeClasses = map[string]Class{
	teo.LIMITEXCEEDED_BATCHQUOTA:        BatchQuota,
	teo.LIMITEXCEEDED_DAILYQUOTA:        DailyQuota,
	teo.LIMITEXCEEDED_PACKNOTALLOW:      Plan,
	teo.LIMITEXCEEDED_RATELIMITEXCEEDED: Throttled,
	"AuthFailure.RequestLimitExceeded":  Throttled,

	teo.INVALIDPARAMETER_TASKNOTGENERATED:     NoJob,
	teo.INVALIDPARAMETER_ZONENOTFOUND:         Misconfigured,
	teo.INVALIDPARAMETER_TOOMANYFILTERVALUES:  Misconfigured,
	"InvalidParameter.InvalidFilterName":      Misconfigured,
	teo.INVALIDPARAMETER_ACTIONINPROGRESS:     Transient,
	teo.INVALIDPARAMETER_TASKSYSTEMERROR:      Transient,
	teo.INVALIDPARAMETER_ZONEISGRAYPUBLISHING: Transient,

	// Its text speaks of an unknown fault of the backend, not of a permission.
	teo.UNAUTHORIZEDOPERATION_UNKNOWN: Transient,

	teo.RESOURCEUNAVAILABLE_DOMAINNOTFOUND: BadTarget,
	teo.RESOURCEUNAVAILABLE_HOSTNOTFOUND:   BadTarget,
	teo.RESOURCEUNAVAILABLE_ZONENOTFOUND:   Misconfigured,
}

// familyClasses holds the classes of codes by what stands before the first dot.
var familyClasses = map[string]Class{
	teo.INTERNALERROR:        Transient,
	teo.FAILEDOPERATION:      Transient,
	teo.RESOURCEUNAVAILABLE:  Transient,
	teo.RESOURCEINSUFFICIENT: Transient,
	"ServiceUnavailable":     Transient,

	teo.INVALIDPARAMETER:      BadTarget,
	teo.INVALIDPARAMETERVALUE: BadTarget,
	teo.MISSINGPARAMETER:      BadTarget,

	"AuthFailure":             Permission,
	teo.UNAUTHORIZEDOPERATION: Permission,
	"IpInBlacklist":           Permission,
	"IpNotInWhitelist":        Permission,

	"RequestSizeLimitExceeded": TooLarge,

	teo.RESOURCENOTFOUND:        Misconfigured,
	teo.OPERATIONDENIED:         Misconfigured,
	teo.UNSUPPORTEDOPERATION:    Misconfigured,
	"UnsupportedRegion":         Misconfigured,
	"UnsupportedProtocol":       Misconfigured,
	"UnknownParameter":          Misconfigured,
	"InvalidAction":             Misconfigured,
	"NoSuchVersion":             Misconfigured,
	"NoSuchProduct":             Misconfigured,
	"ActionOffline":             Misconfigured,
	"ResponseSizeLimitExceeded": Misconfigured,

	// Made by the SDK when there is no answer, or none that it can read.
	"ClientError": Ambiguous,
}

// CodeOther is the KnownCode of every code that edgepurge does not tell apart.
const CodeOther = "other"

// KnownCode returns the code in err as one of a bounded list, for metrics: the code itself if it has
// a class of its own, else its family, else CodeOther; "" if err has none.
func KnownCode(err error) string {
	code := Code(err)
	if _, ok := codeClasses[code]; ok || code == "" {
		return code
	}
	family, _, _ := strings.Cut(code, ".")
	if _, ok := familyClasses[family]; ok || family == requestLimit {
		return family
	}
	return CodeOther
}

// requestLimit is the family of what the gateway refuses as too fast. It adds what was exceeded:
// .UinLimitExceeded, .IPLimitExceeded and others.
const requestLimit = "RequestLimitExceeded"

// classOf returns the class of a code, of EdgeOne's or of the SDK's own.
func classOf(code string) Class {
	if strings.HasPrefix(code, requestLimit) {
		return Throttled
	}
	if class, ok := codeClasses[code]; ok {
		return class
	}
	family, _, _ := strings.Cut(code, ".")
	if class, ok := familyClasses[family]; ok {
		return class
	}
	return Unknown
}
