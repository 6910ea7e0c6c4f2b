package emulator

import "fmt"

// Error codes of the API. The texts that go with them are for people: a client decides by code alone.
const (
	codeInvalidAuthorization = "AuthFailure.InvalidAuthorization"
	codeInvalidSecretID      = "AuthFailure.InvalidSecretId"
	codeSecretIDNotFound     = "AuthFailure.SecretIdNotFound"
	codeSignatureExpire      = "AuthFailure.SignatureExpire"
	codeSignatureFailure     = "AuthFailure.SignatureFailure"
	codeTokenFailure         = "AuthFailure.TokenFailure"

	codeInternal            = "InternalError"
	codeInvalidAction       = "InvalidAction"
	codeInvalidParameter    = "InvalidParameter"
	codeMissingParameter    = "MissingParameter"
	codeNoSuchVersion       = "NoSuchVersion"
	codeRequestLimit        = "RequestLimitExceeded"
	codeRequestSizeLimit    = "RequestSizeLimitExceeded"
	codeUnknownParameter    = "UnknownParameter"
	codeUnsupportedProtocol = "UnsupportedProtocol"

	codeBatchQuota          = "LimitExceeded.BatchQuota"
	codeDailyQuota          = "LimitExceeded.DailyQuota"
	codeDomainNotFound      = "InvalidParameter.DomainNotFound"
	codeInvalidFilterName   = "InvalidParameter.InvalidFilterName"
	codeParameterError      = "InvalidParameter.ParameterError"
	codeTarget              = "InvalidParameter.Target"
	codeTooManyFilterValues = "InvalidParameter.TooManyFilterValues"
	codeZoneNotFound        = "InvalidParameter.ZoneNotFound"
)

// refusal is an error as the API answers it. It is no Go error: to the emulator a refused call is a normal end.
type refusal struct {
	Code    string
	Message string
}

func refuse(code, format string, args ...any) *refusal {
	return &refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

func missing(name string) *refusal {
	return refuse(codeMissingParameter, "The request is missing the required parameter `%s`.", name)
}

func throttled(n, rate int) *refusal {
	return refuse(codeRequestLimit, "Your current request times equals to `%d` in a second, which exceeds the "+
		"frequency limit `%d` for a second. Please reduce the frequency of calls.", n, rate)
}
