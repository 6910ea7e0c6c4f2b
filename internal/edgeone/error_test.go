package edgeone_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

func TestError_SaysWhatHappenedWhereAndWhatToDo(t *testing.T) {
	code := func(code, message string) wire {
		return answering(200, `{"Response":{"Error":{"Code":"`+code+`","Message":"`+message+`"},"RequestId":"3c14"}}`)
	}
	const at = "call CreatePurgeTask at teo.tencentcloudapi.com: "
	tests := []struct {
		wire wire
		want string
	}{
		{
			code("AuthFailure.SignatureExpire", "Signature expired."),
			at + "AuthFailure.SignatureExpire: Signature expired (request 3c14); set this machine's clock",
		},
		{
			code("UnauthorizedOperation.CamUnauthorized", "no"),
			at + "UnauthorizedOperation.CamUnauthorized: no (request 3c14); check the key pair, and that it may call teo:CreatePurgeTask",
		},
		{
			code("InvalidParameter.Target", "Resource error"),
			at + "InvalidParameter.Target: Resource error (request 3c14)",
		},
		{
			answering(502, "<html>\n<b>bad  gateway</b>\x00"),
			at + `HTTP 502 is not an answer of the API: "<html> <b>bad gateway</b>"; it may have been carried out`,
		},
		{
			wire(func(r *http.Request) (*http.Response, error) {
				res, err := answering(307, "")(r)
				res.Header.Set("Location", "https://other.example.com/login?token=abc")
				return res, err
			}),
			at + `HTTP 307 redirects to "other.example.com", which is not followed; it may have been carried out`,
		},
		{
			answering(200, `{"Response":{"RequestId":"3c14"}}`),
			at + "the answer names no job, and refuses 0 of 1 targets (request 3c14)",
		},
	}
	for _, tt := range tests {
		_, err := over(t, tt.wire).CreatePurge(t.Context(), urlPurge)
		if err == nil || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

// echo is a network that answers with the header of each request, as a broken gateway may.
func echo(status int, before, after string) wire {
	return func(r *http.Request) (*http.Response, error) {
		header := r.Header.Get("X-TC-Token") + " " + r.Header.Get("Authorization")
		return answering(status, before+header+after)(r)
	}
}

func TestError_TellsNoSecret(t *testing.T) {
	for _, network := range []wire{
		echo(502, "<html>", "</html>"),
		echo(502, strings.Repeat("x", edgeone.MaxText-20), ""), // cut within the token
		echo(500, `{"Response":{"X":"`, `"}}`),
		echo(200, `{"Response":{"JobId":["`, `"]}}`),
		echo(200, `{"Response":{"Error":{"Code":"InternalError","Message":"`, `"}}}`),
		echo(200, `{"Response":{"Error":{"Code":"`, `"}}}`),
		echo(200, `{"Response":{"Error":{"Code":"InternalError"},"RequestId":"`, `"}}`),
	} {
		var signature string
		spy := wire(func(r *http.Request) (*http.Response, error) {
			_, signature, _ = strings.Cut(r.Header.Get("Authorization"), "Signature=")
			return network(r)
		})
		_, err := over(t, spy).CreatePurge(t.Context(), urlPurge)
		if err == nil {
			t.Fatal("got no error")
		}
		for text := err.Error(); err != nil; err = errors.Unwrap(err) {
			for _, secret := range []string{testID, testToken[:8], signature[:8], testKey} {
				if strings.Contains(text, secret) || strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in %v", secret, err)
				}
			}
		}
	}
}

func TestError_IsShort(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	for _, network := range []wire{
		answering(502, long),
		answering(500, `{"Response":{"X":"`+long+`"}}`),
		answering(200, `{"Response":{"JobId":["`+long+`"]}}`),
		answering(200, `{"Response":{"Error":{"Code":"`+long+`","Message":"`+long+`"},"RequestId":"`+long+`"}}`),
	} {
		_, err := over(t, network).CreatePurge(t.Context(), urlPurge)
		e, ok := errors.AsType[*edgeone.Error](err)
		if !ok {
			t.Fatalf("got %v, want an Error", err)
		}
		for _, text := range []string{e.Code, e.Message, e.RequestID} {
			if len(text) > edgeone.MaxText || !utf8.ValidString(text) {
				t.Errorf("got %d bytes of %q, want at most %d of valid text", len(text), text, edgeone.MaxText)
			}
		}
	}
}
