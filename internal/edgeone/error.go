package edgeone

import (
	"cmp"
	"errors"
	"net/url"
	"strings"
	"unicode"

	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
)

// maxText is how many bytes of foreign text an Error holds in any of its fields.
const maxText = 200

var (
	errNoJob    = errors.New("the answer names no job")
	errNoAnswer = errors.New("the answer is empty")
	errTooLarge = errors.New("the request is larger than the API takes")
	errMoreRows = errors.New("the list has more rows than can be read at once")
	errFewRows  = errors.New("the list ended before its count")
)

// Error is what every method of Client returns when a call did not do what it was to do. Use
// Classify for what to do about it.
type Error struct {
	// Action is the API's, as in "CreatePurgeTask". Endpoint is the host that was called.
	Action, Endpoint string
	// Code is EdgeOne's, verbatim; empty if there was none.
	Code string
	// Message is EdgeOne's, or what the network said: one line of at most 200 bytes.
	Message string
	// RequestID is EdgeOne's, which its support asks for; empty if there was no answer.
	RequestID string
	// Status is the HTTP status, 0 without an answer.
	Status int
	// Sent tells that bytes of the call may have reached the API.
	Sent bool

	cause error
}

// Error says what happened, where, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("call " + e.Action)
	if e.Endpoint != "" {
		b.WriteString(" at " + e.Endpoint)
	}
	for _, part := range []string{e.Code, strings.TrimRight(e.Message, ".")} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	if advice := e.advice(); advice != "" {
		b.WriteString("; " + advice)
	}
	return b.String()
}

// Unwrap returns what the network, the context or the pacing callback said; nil if EdgeOne answered.
func (e *Error) Unwrap() error { return e.cause }

// Code returns EdgeOne's error code in err, verbatim; "" if there is none.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if sdk, ok := errors.AsType[*tcerr.TencentCloudSDKError](err); ok && !ours(sdk.Code) {
		return sdk.Code
	}
	return ""
}

// ours tells whether the SDK made the code by itself, with no answer of the API behind it.
func ours(code string) bool {
	return code == "ClientError" || strings.HasPrefix(code, "ClientError.")
}

// newError describes why the call x, which ended with err, failed. The SDK's own error is not kept:
// its text can hold a whole response body.
func (c *Client) newError(x *exchange, err error) *Error {
	e := &Error{Action: x.action, Endpoint: c.endpoint, Status: x.status, Sent: x.sent, cause: err}
	if sdk, ok := errors.AsType[*tcerr.TencentCloudSDKError](err); ok {
		e.cause = sdk.Unwrap()
		e.Message = x.clean(sdk.Message)
		e.RequestID = x.clean(sdk.RequestId)
		if !ours(sdk.Code) {
			e.Code = x.clean(sdk.Code)
		}
	}
	if u, ok := errors.AsType[*url.Error](e.cause); ok {
		e.cause = u.Err
	}
	if e.cause != nil {
		e.Message = x.clean(e.cause.Error())
	}
	e.Message = cmp.Or(e.Message, "no reason given")
	return e
}

// excerpt is clean for the beginning of a body. It looks at more than it returns, so that a secret
// is not cut before it is known.
func (x *exchange) excerpt(body []byte) string {
	return x.clean(string(body[:min(len(body), 64<<10)]))
}

// clean returns foreign text as one line of at most maxText bytes without the call's secrets (I6).
func (x *exchange) clean(s string) string {
	for _, secret := range x.secrets {
		if len(secret) >= 8 { // a shorter one is no key, and would tear words apart
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	printable := func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}
	s = strings.Join(strings.Fields(strings.Map(printable, strings.ToValidUTF8(s, "?"))), " ")
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText-len("…")], "") + "…"
}
