package edgeone_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// codeClasses has every code of the action's error lists and of the common error codes.
var codeClasses = map[edgeone.Class]string{
	edgeone.Throttled: `RequestLimitExceeded RequestLimitExceeded.UinLimitExceeded
		RequestLimitExceeded.GlobalRegionUinLimitExceeded RequestLimitExceeded.IPLimitExceeded
		RequestLimitExceeded.SomethingNew LimitExceeded.RateLimitExceeded AuthFailure.RequestLimitExceeded`,
	edgeone.Transient: `InternalError InternalError.BackendError InternalError.DomainConfig
		InternalError.ProxyServer InternalError.QuotaSystem InternalError.RouteError
		InternalError.FailedToGenerateUrl InternalError.SomethingNew ServiceUnavailable ResourceUnavailable
		ResourceInsufficient FailedOperation UnauthorizedOperation.Unknown
		InvalidParameter.ActionInProgress InvalidParameter.TaskSystemError
		InvalidParameter.ZoneIsGrayPublishing`,
	edgeone.Ambiguous: `ClientError.NetworkError ClientError.HttpStatusCodeError ClientError.ParseJsonError
		ClientError.IOError ClientError.TypeError`,
	edgeone.BatchQuota: `LimitExceeded.BatchQuota`,
	edgeone.DailyQuota: `LimitExceeded.DailyQuota`,
	edgeone.BadTarget: `InvalidParameter InvalidParameter.Target InvalidParameter.DomainNotFound
		InvalidParameter.UploadUrl InvalidParameter.ParameterError InvalidParameter.DomainOnTrafficScheduling
		InvalidParameterValue InvalidParameterValue.DomainNotMatchZone MissingParameter
		ResourceUnavailable.DomainNotFound ResourceUnavailable.HostNotFound`,
	edgeone.NoJob: `InvalidParameter.TaskNotGenerated`,
	edgeone.Plan:  `LimitExceeded.PackNotAllow`,
	edgeone.Permission: `AuthFailure AuthFailure.InvalidAuthorization AuthFailure.InvalidSecretId AuthFailure.MFAFailure
		AuthFailure.SecretIdNotFound AuthFailure.SignatureExpire AuthFailure.SignatureFailure
		AuthFailure.TokenFailure AuthFailure.UnauthorizedOperation UnauthorizedOperation
		UnauthorizedOperation.CamUnauthorized UnauthorizedOperation.NoPermission
		UnauthorizedOperation.DomainEmpty IpInBlacklist IpNotInWhitelist`,
	edgeone.TooLarge: `RequestSizeLimitExceeded`,
	edgeone.Misconfigured: `InvalidParameter.ZoneNotFound InvalidParameter.InvalidFilterName
		InvalidParameter.TooManyFilterValues ResourceNotFound ResourceNotFound.VersionNotFound
		ResourceUnavailable.ZoneNotFound OperationDenied OperationDenied.ZoneNotActive UnsupportedRegion
		UnsupportedOperation UnknownParameter InvalidAction NoSuchVersion NoSuchProduct ActionOffline
		UnsupportedProtocol ResponseSizeLimitExceeded`,
	edgeone.Unknown: `LimitExceeded LimitExceeded.SomethingNew DryRunOperation InvalidRequest Whatever.New requestlimitexceeded`,
}

func TestClassify(t *testing.T) {
	for class, codes := range codeClasses {
		for code := range strings.FieldsSeq(codes) {
			err := fmt.Errorf("submit batch: %w", tcerr.NewTencentCloudSDKError(code, "text", "id"))
			if got := edgeone.Classify(err); got != class {
				t.Errorf("%s: got %v, want %v", code, got, class)
			}
		}
	}
}

func TestClassify_OfAnswersIsThatOfTheirCode(t *testing.T) {
	for class, codes := range codeClasses {
		for code := range strings.FieldsSeq(codes) {
			if strings.HasPrefix(code, "ClientError") {
				continue // the SDK's own: no answer has it
			}
			body := `{"Response":{"Error":{"Code":"` + code + `","Message":"text"},"RequestId":"id"}}`
			for _, status := range []int{200, 500} {
				_, err := over(t, answering(status, body)).CreatePurge(t.Context(), urlPurge)
				if got := edgeone.Classify(err); got != class {
					t.Errorf("%s with HTTP %d: got %v, want %v", code, status, got, class)
				}
				if got := edgeone.Code(err); got != code {
					t.Errorf("Code: got %q, want %q", got, code)
				}
			}
		}
	}
}

func TestForbidden_IsOfTheActionNotOfTheCredentials(t *testing.T) {
	forbidden := `UnauthorizedOperation UnauthorizedOperation.CamUnauthorized UnauthorizedOperation.NoPermission
		UnauthorizedOperation.DomainEmpty AuthFailure.UnauthorizedOperation`
	for _, codes := range codeClasses {
		for code := range strings.FieldsSeq(codes) {
			want := slices.Contains(strings.Fields(forbidden), code)
			if got := edgeone.Forbidden(fmt.Errorf("x: %w", &edgeone.Error{Code: code})); got != want {
				t.Errorf("%s: got %v, want %v", code, got, want)
			}
		}
	}
	if edgeone.Forbidden(nil) || edgeone.Forbidden(errors.New("UnauthorizedOperation")) {
		t.Error("what EdgeOne did not say is no refusal")
	}
}

func TestClassify_WithoutCode(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host"}}
	tests := []struct {
		name string
		err  error
		want edgeone.Class
	}{
		{"nil", nil, edgeone.Done},
		{"anything", errors.New("anything"), edgeone.Unknown},
		{"a dial", fmt.Errorf("x: %w", dial), edgeone.Transient},
		{"a dial in the SDK's error", tcerr.NewTencentCloudSDKErrorWithCause("ClientError.NetworkError", "", "", dial), edgeone.Transient},
		{"a read in the SDK's error", tcerr.NewTencentCloudSDKErrorWithCause("ClientError.NetworkError", "", "", io.EOF), edgeone.Ambiguous},
		{"a context of who knows what", context.Canceled, edgeone.Unknown},
		{"not sent", &edgeone.Error{}, edgeone.Transient},
		{"sent", &edgeone.Error{Sent: true}, edgeone.Ambiguous},
		{"sent, HTTP 500", &edgeone.Error{Sent: true, Status: 500}, edgeone.Ambiguous},
		{"sent, HTTP 413", &edgeone.Error{Sent: true, Status: 413}, edgeone.TooLarge},
		{"sent, HTTP 429", &edgeone.Error{Sent: true, Status: 429}, edgeone.Throttled},
		{"a code beats the status", &edgeone.Error{Sent: true, Status: 429, Code: "LimitExceeded.DailyQuota"}, edgeone.DailyQuota},
	}
	for _, tt := range tests {
		if got := edgeone.Classify(tt.err); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestClass_IsAWordInKebabCase(t *testing.T) {
	want := "done throttled transient ambiguous batch-quota daily-quota bad-target no-job plan permission too-large config unknown"
	var got []string
	for c := edgeone.Done; c <= edgeone.Unknown; c++ {
		got = append(got, c.String())
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := edgeone.Class(99).String(); got != "class-99" {
		t.Errorf("got %q, want class-99", got)
	}
}

func TestCode_IsEdgeOnesOnly(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("x"), ""},
		{tcerr.NewTencentCloudSDKError("ClientError.NetworkError", "", ""), ""},
		{tcerr.NewTencentCloudSDKError("ClientErrorLike", "", ""), "ClientErrorLike"},
		{fmt.Errorf("x: %w", &edgeone.Error{Code: "InternalError"}), "InternalError"},
	}
	for _, tt := range tests {
		if got := edgeone.Code(tt.err); got != tt.want {
			t.Errorf("Code(%v): got %q, want %q", tt.err, got, tt.want)
		}
	}
}

// A label of a metric must not grow with what a server makes up.
func TestKnownCode_IsOneOfABoundedList(t *testing.T) {
	tests := []struct{ code, want string }{
		{"LimitExceeded.DailyQuota", "LimitExceeded.DailyQuota"},
		{"AuthFailure.RequestLimitExceeded", "AuthFailure.RequestLimitExceeded"},
		{"AuthFailure.SignatureFailure", "AuthFailure"},
		{"RequestLimitExceeded.UinLimitExceeded", "RequestLimitExceeded"},
		{"InternalError.SomethingNew", "InternalError"},
		{"LimitExceeded.SomethingNew", edgeone.CodeOther},
		{"RequestLimitExceededX", edgeone.CodeOther},
		{"Whatever", edgeone.CodeOther},
		{"", ""},
	}
	for _, tt := range tests {
		if got := edgeone.KnownCode(&edgeone.Error{Code: tt.code}); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.code, got, tt.want)
		}
	}
	if got := edgeone.KnownCode(io.ErrUnexpectedEOF); got != "" {
		t.Errorf("an error without a code: got %q, want none", got)
	}
	seen := make(map[string]bool)
	for i := range 10_000 {
		seen[edgeone.KnownCode(&edgeone.Error{Code: fmt.Sprintf("InvalidParameter.New%d", i)})] = true
		seen[edgeone.KnownCode(&edgeone.Error{Code: fmt.Sprintf("New%d", i)})] = true
	}
	if len(seen) != 2 {
		t.Errorf("got %d labels of codes that nobody knows, want 2", len(seen))
	}
}
