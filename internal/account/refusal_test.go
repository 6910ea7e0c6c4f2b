package account

import (
	"errors"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

func TestRefusal_HoldsUntilTheCredentialsAreGood(t *testing.T) {
	t.Parallel()
	coded := func(code string) error { return &edgeone.Error{Action: "DescribeZones", Code: code, Sent: true} }
	bad := coded("AuthFailure.SignatureFailure")
	for _, tt := range []struct {
		name  string
		after error
		holds bool
	}{
		{"carried out", nil, false},
		{"only a permission lacks", coded("UnauthorizedOperation.CamUnauthorized"), false},
		{"a bad target", coded("InvalidParameter.Target"), false},
		{"refused again", coded("AuthFailure.SecretIdNotFound"), true},
		{"too fast", coded("RequestLimitExceeded"), true},
		{"a fault of the service", coded("InternalError"), true},
		{"lost", &edgeone.Error{Action: "DescribeZones", Message: "EOF", Sent: true}, true},
		{"not sent", errors.New("not now"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var r refusal
			if r.called(tt.after); (r.reason() != "") != (tt.name == "refused again") {
				t.Errorf("refused at first: %q", r.reason())
			}
			r.called(bad)
			if r.reason() != bad.Error() {
				t.Errorf("reason is %q, want %q", r.reason(), bad)
			}
			if r.called(tt.after); (r.reason() != "") != tt.holds {
				t.Errorf("refused after: %q, want %v", r.reason(), tt.holds)
			}
		})
	}
}
