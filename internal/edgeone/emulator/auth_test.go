package emulator_test

import (
	stderrors "errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func TestAuth_JudgesSignature(t *testing.T) {
	const body = `{"ZoneId":"zone-emulator"}`
	now := time.Now()
	good := sign{id: "AKIDEMULATOR", key: "emulator-secret", at: now}
	with := func(change func(*sign)) func(*http.Request) {
		return func(r *http.Request) {
			s := good
			change(&s)
			s.apply(r, []byte(body))
		}
	}
	replace := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, tc := range map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"good":                     {func(*http.Request) {}, ""},
		"299 s old":                {with(func(s *sign) { s.at = now.Add(-299 * time.Second) }), ""},
		"299 s ahead":              {with(func(s *sign) { s.at = now.Add(299 * time.Second) }), ""},
		"more signed headers":      {signAction, ""},
		"other order of parts":     {reorder, ""},
		"unsigned payload":         {unsigned, ""},
		"charset":                  {contentType("application/json; charset=utf-8"), ""},
		"no authorization":         {func(r *http.Request) { r.Header.Del("Authorization") }, "AuthFailure.InvalidAuthorization"},
		"skip":                     {set("Authorization", "SKIP"), "AuthFailure.InvalidAuthorization"},
		"other algorithm":          {replace("TC3-HMAC-SHA256", "HmacSHA256"), "AuthFailure.InvalidAuthorization"},
		"no signature":             {replace("Signature=", "Sig="), "AuthFailure.InvalidAuthorization"},
		"signature twice":          {replace("SignedHeaders=", "Signature=1, SignedHeaders="), "AuthFailure.InvalidAuthorization"},
		"signature in upper case":  {upperSignature, "AuthFailure.InvalidAuthorization"},
		"signature too short":      {func(r *http.Request) { cut(r) }, "AuthFailure.InvalidAuthorization"},
		"scope too short":          {replace("/tc3_request", ""), "AuthFailure.InvalidAuthorization"},
		"other service":            {with(func(s *sign) { s.service = "cdn" }), "AuthFailure.InvalidAuthorization"},
		"other terminator":         {with(func(s *sign) { s.end = "tc2_request" }), "AuthFailure.InvalidAuthorization"},
		"date of another day":      {with(func(s *sign) { s.date = "2020-01-01" }), "AuthFailure.InvalidAuthorization"},
		"host not signed":          {with(func(s *sign) { s.headers = "content-type" }), "AuthFailure.InvalidAuthorization"},
		"content type not signed":  {with(func(s *sign) { s.headers = "host" }), "AuthFailure.InvalidAuthorization"},
		"headers not sorted":       {with(func(s *sign) { s.headers = "host;content-type" }), "AuthFailure.InvalidAuthorization"},
		"headers in upper case":    {with(func(s *sign) { s.headers = "Content-Type;Host" }), "AuthFailure.InvalidAuthorization"},
		"header listed, not there": {with(func(s *sign) { s.headers = "content-type;host;x-none" }), "AuthFailure.SignatureFailure"},
		"unknown id":               {with(func(s *sign) { s.id = "AKIDother" }), "AuthFailure.SecretIdNotFound"},
		"wrong kind of id":         {with(func(s *sign) { s.id = "someone" }), "AuthFailure.InvalidSecretId"},
		"301 s old":                {with(func(s *sign) { s.at = now.Add(-301 * time.Second) }), "AuthFailure.SignatureExpire"},
		"302 s ahead":              {with(func(s *sign) { s.at = now.Add(302 * time.Second) }), "AuthFailure.SignatureExpire"},
		"wrong key":                {with(func(s *sign) { s.key = "guess" }), "AuthFailure.SignatureFailure"},
		"other body":               {with(func(s *sign) { s.payload = "{}" }), "AuthFailure.SignatureFailure"},
		"other host":               {func(r *http.Request) { r.Host = "teo.example" }, "AuthFailure.SignatureFailure"},
		"other time stamp":         {set("X-TC-Timestamp", strconv.FormatInt(now.Unix()-1, 10)), "AuthFailure.SignatureFailure"},
		"token of nobody":          {set("X-TC-Token", "t"), "AuthFailure.TokenFailure"},
		"time stamp of letters":    {set("X-TC-Timestamp", "now"), "InvalidParameter"},
		"no time stamp":            {func(r *http.Request) { r.Header.Del("X-TC-Timestamp") }, "MissingParameter"},
		"no action":                {func(r *http.Request) { r.Header.Del("X-TC-Action") }, "MissingParameter"},
		"no version":               {func(r *http.Request) { r.Header.Del("X-TC-Version") }, "MissingParameter"},
		"unknown version":          {set("X-TC-Version", "2020-01-01"), "NoSuchVersion"},
		"unknown action":           {set("X-TC-Action", "DeleteZone"), "InvalidAction"},
		"GET":                      {func(r *http.Request) { r.Method = http.MethodGet }, "UnsupportedProtocol"},
		"PUT":                      {func(r *http.Request) { r.Method = http.MethodPut }, "UnsupportedProtocol"},
		"form":                     {contentType("application/x-www-form-urlencoded"), "InvalidParameter"},
		"other charset":            {contentType("application/json; charset=gbk"), "InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newClient(t, emulator.Config{})
			r := c.request(t, "DescribeContentQuota", body)
			good.apply(r, []byte(body))
			tc.change(r)
			a := c.do(t, r)
			if got := a.code(); got != tc.want {
				t.Errorf("got %q, want %q (%s)", got, tc.want, a.raw)
			}
			if a.status != http.StatusOK || a.RequestID == "" {
				t.Errorf("got status %d, request id %q, want 200 and an id", a.status, a.RequestID)
			}
		})
	}
}

func signAction(r *http.Request) {
	r.Header.Set("X-Tc-Action", "DescribeContentQuota")
	sign{
		id: "AKIDEMULATOR", key: "emulator-secret", at: time.Now(), headers: "content-type;host;x-tc-action",
		lines: "content-type:application/json\nhost:" + r.Host + "\nx-tc-action:describecontentquota\n",
	}.apply(r, []byte(`{"ZoneId":"zone-emulator"}`))
}

func contentType(value string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", value)
		sign{id: "AKIDEMULATOR", key: "emulator-secret", at: time.Now()}.apply(r, []byte(`{"ZoneId":"zone-emulator"}`))
	}
}

func unsigned(r *http.Request) {
	r.Header.Set("X-TC-Content-SHA256", "UNSIGNED-PAYLOAD")
	sign{id: "AKIDEMULATOR", key: "emulator-secret", at: time.Now(), payload: "UNSIGNED-PAYLOAD"}.apply(r, nil)
}

func reorder(r *http.Request) {
	rest, _ := strings.CutPrefix(r.Header.Get("Authorization"), "TC3-HMAC-SHA256 ")
	parts := strings.Split(rest, ", ")
	r.Header.Set("Authorization", "TC3-HMAC-SHA256 "+parts[2]+","+parts[0]+", "+parts[1])
}

func upperSignature(r *http.Request) {
	head, tail, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	r.Header.Set("Authorization", head+"Signature=A"+strings.ToUpper(tail[1:]))
}

func cut(r *http.Request) {
	a := r.Header.Get("Authorization")
	r.Header.Set("Authorization", a[:len(a)-1])
}

func TestAuth_TakesTokenOfItsKey(t *testing.T) {
	c, _ := newClient(t, emulator.Config{SecretID: "tmp", SecretKey: "k", Token: "session"})
	c.id, c.key = "tmp", "k"
	for token, want := range map[string]string{
		"session": "", "": "AuthFailure.TokenFailure", "other": "AuthFailure.TokenFailure",
	} {
		r := c.request(t, "DescribeZones", "{}")
		r.Header.Set("X-TC-Token", token)
		if got := c.do(t, r).code(); got != want {
			t.Errorf("token %q: got %q, want %q", token, got, want)
		}
	}
}

// TestAuth_AgreesWithSDK lets Tencent's own signer judge our verification, over a real connection.
func TestAuth_AgreesWithSDK(t *testing.T) {
	const sdkTarget = "https://www.example.com/?a=1&b=2" // the SDK writes & as \u0026
	c, e := newClient(t, emulator.Config{})
	server := httptest.NewServer(e)
	defer server.Close()
	for name, tc := range map[string]struct {
		key  string
		host string
		tune func(*profile.ClientProfile)
		want string
	}{
		"signed":           {key: "emulator-secret"},
		"endpoint path":    {key: "emulator-secret", host: "/v3/api"},
		"unsigned payload": {key: "emulator-secret", tune: func(p *profile.ClientProfile) { p.UnsignedPayload = true }},
		"wrong key":        {key: "other", want: "AuthFailure.SignatureFailure"},
		"v1 signature": {
			key: "emulator-secret", tune: func(p *profile.ClientProfile) { p.SignMethod = "HmacSHA256" },
			want: "MissingParameter",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := profile.NewClientProfile()
			p.HttpProfile.Scheme = "HTTP"
			p.HttpProfile.Endpoint = strings.TrimPrefix(server.URL, "http://") + tc.host
			if tc.tune != nil {
				tc.tune(p)
			}
			sdk := common.NewCommonClient(common.NewCredential("AKIDEMULATOR", tc.key), "", p)
			request := tchttp.NewCommonRequest("teo", "2022-09-01", "CreatePurgeTask")
			if err := request.SetActionParameters(map[string]any{
				"ZoneId": testZone, "Type": "purge_url", "Targets": []string{sdkTarget},
			}); err != nil {
				t.Fatal(err)
			}
			err := sdk.Send(request, tchttp.NewCommonResponse())
			got := ""
			if apiError, ok := stderrors.AsType[*errors.TencentCloudSDKError](err); ok {
				got = apiError.Code
			} else if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if diff := cmp.Diff(map[string]int64{"CreatePurgeTask": 4, "other": 1}, e.Stats().ByAction); diff != "" {
		t.Errorf("calls by action (-want +got):\n%s", diff)
	}
	if got := c.describe(t, []string{"target", sdkTarget}).TotalCount; got != 3 {
		t.Errorf("got %d rows of the SDK's target, want 3", got)
	}
}
