package edgeone

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"

	teo "github.com/edgepurge/edgepurge/internal/edgeone/v20220901"
)

// Class is what a caller can do about the end of a call.
type Class int

// The classes.
const (
	// Done: carried out.
	Done Class = iota
	// Throttled: refused as too fast, not carried out. Send the same again, slower.
	Throttled
	// Transient: not carried out, or a fault of the service. Send the same again, later.
	Transient
	// Ambiguous: it may have been carried out, the answer is lost. Look before sending again.
	Ambiguous
	// BatchQuota: more targets than one call may have. Read the quota, split.
	BatchQuota
	// DailyQuota: the zone's day is spent for the type. Park.
	DailyQuota
	// BadTarget: at least one target, or the request's form, is refused. Split until it is alone.
	BadTarget
	// NoJob: answered, but no job came of it. Send again, then split.
	NoJob
	// Plan: the zone's plan does not have the type.
	Plan
	// Permission: the credentials are refused. Pause the account, probe slowly.
	Permission
	// TooLarge: the request's body, or the list's length. Ask for less at once.
	TooLarge
	// Misconfigured: zone, endpoint, version or the like is wrong, or the version can't do it. An
	// operator has to act. Its word is "config".
	Misconfigured
	// Unknown: anything else. A few more times, then give up with the code.
	Unknown
)

var classNames = [...]string{
	Done: "done", Throttled: "throttled", Transient: "transient", Ambiguous: "ambiguous",
	BatchQuota: "batch-quota", DailyQuota: "daily-quota", BadTarget: "bad-target", NoJob: "no-job",
	Plan: "plan", Permission: "permission", TooLarge: "too-large", Misconfigured: "config", Unknown: "unknown",
}

// String returns the class in kebab case, as metrics and logs name it.
func (c Class) String() string {
	if c < 0 || int(c) >= len(classNames) {
		return "class-" + strconv.Itoa(int(c))
	}
	return classNames[c]
}

// Classify tells what the end of a call means. It is pure, and the only place that knows EdgeOne's
// codes.
//
// Without a code, what counts is whether the call may have left. It is Transient if it surely did
// not: no connection could be made (refused, DNS, proxy, TLS), or the context ended, or the pacing
// callback refused, before there was one. Else it is Ambiguous: a time-out, a lost connection, a
// context that ended while the answer was awaited, an answer that is empty, not JSON or of HTTP
// 5xx. Two HTTP statuses say that the call was not carried out, and why: 413 is TooLarge, 429 is
// Throttled.
//
// Errors that are neither an *Error nor the SDK's are Unknown, but for failures to dial.
func Classify(err error) Class {
	if err == nil {
		return Done
	}
	if code := Code(err); code != "" {
		return classOf(code)
	}
	switch {
	case errors.Is(err, errNoJob):
		return NoJob
	case errors.Is(err, errTooLarge), errors.Is(err, errMoreRows):
		return TooLarge
	case errors.Is(err, errFewRows):
		return Transient
	case errors.Is(err, errLacking):
		return Misconfigured
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.uncoded()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return Transient
	}
	if sdk, ok := errors.AsType[*tcerr.TencentCloudSDKError](err); ok {
		return classOf(sdk.Code)
	}
	return Unknown
}

// Forbidden tells whether err, of class Permission, says that the credentials are good but lack the
// permission for the action: other actions may be allowed. The other errors of that class refuse the
// credentials themselves.
func Forbidden(err error) bool {
	code := Code(err)
	family, _, _ := strings.Cut(code, ".")
	return Classify(err) == Permission && (family == teo.UNAUTHORIZEDOPERATION || code == "AuthFailure.UnauthorizedOperation")
}

// uncoded is the class of a call that brought no code.
func (e *Error) uncoded() Class {
	switch {
	case !e.Sent:
		return Transient
	case e.Status == http.StatusRequestEntityTooLarge:
		return TooLarge
	case e.Status == http.StatusTooManyRequests:
		return Throttled
	}
	return Ambiguous
}
