package emulator_test

import (
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// An SDK whose endpoint is a loopback address signs one of these; every other host takes only what is documented.
func TestAuth_TakesWhatSDKsSignForALoopbackAddress(t *testing.T) {
	const (
		scope     = "AuthFailure.InvalidAuthorization"
		mismatch  = "AuthFailure.SignatureFailure"
		wrongHost = "elsewhere.example"
	)
	for name, tc := range map[string]struct {
		host, service, signed string
		want                  string
	}{
		"Go, Python: service and whole host": {"127.0.0.1:7481", "teo", "127.0.0.1:7481", ""},
		"Java, .NET: first label":            {"127.0.0.1:7481", "127", "127.0.0.1:7481", ""},
		"Node.js: first label, no port":      {"127.0.0.1:7481", "127", "127.0.0.1", ""},
		"service, no port":                   {"127.0.0.1:7481", "teo", "127.0.0.1", ""},
		"no port at all":                     {"127.0.0.1", "127", "127.0.0.1", ""},
		"another loopback address":           {"127.1.2.3:80", "127", "127.1.2.3", ""},
		"Java: a name without a dot":         {"localhost:7481", "localhost:7481", "localhost:7481", ""},
		"Node.js: a name without a dot":      {"localhost:7481", "localhost:7481", "localhost", ""},
		"first label without its port":       {"localhost:7481", "localhost", "localhost", ""},
		"a name below localhost":             {"teo.localhost:7481", "teo", "teo.localhost", ""},
		"Java: IPv6":                         {"[::1]:7481", "[::1]:7481", "[::1]:7481", ""},
		"Node.js: IPv6":                      {"[::1]:7481", "[::1]:7481", "[::1]", ""},

		"another service":                   {"127.0.0.1:7481", "cdn", "127.0.0.1:7481", scope},
		"first label of another address":    {"127.0.0.1:7481", "10", "127.0.0.1:7481", scope},
		"another host":                      {"127.0.0.1:7481", "127", wrongHost, mismatch},
		"another port":                      {"127.0.0.1:7481", "127", "127.0.0.1:7482", mismatch},
		"first label of a public name":      {"edge.example:7481", "edge", "edge.example:7481", scope},
		"a public name without its port":    {"edge.example:7481", "teo", "edge.example", mismatch},
		"a private address":                 {"10.0.0.1:7481", "10", "10.0.0.1:7481", scope},
		"a name that only begins like it":   {"localhost.example:7481", "localhost", "localhost.example:7481", scope},
		"a private address without a port":  {"10.0.0.1:7481", "teo", "10.0.0.1", mismatch},
		"a name that only looks like an IP": {"127.0.0.1.example", "127", "127.0.0.1.example", scope},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newClient(t, emulator.Config{})
			const body = `{"ZoneId":"zone-emulator"}`
			for key, want := range map[string]string{emulator.DefaultSecretKey: tc.want, "wrong": mismatch} {
				if tc.want == scope {
					want = scope // judged before the signature
				}
				r := c.request(t, "DescribeContentQuota", body)
				r.Host = tc.host
				sign{
					id: emulator.DefaultSecretID, key: key, at: time.Now(), service: tc.service,
					lines: "content-type:application/json\nhost:" + tc.signed + "\n",
				}.apply(r, []byte(body))
				if a := c.do(t, r); a.code() != want {
					t.Errorf("key %s: got %q, want %q (%s)", key, a.code(), want, a.raw)
				}
			}
		})
	}
}
