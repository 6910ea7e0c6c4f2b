package edgeone_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// urlOf returns where a client of the endpoint sends its calls; empty for one that cannot be had.
func urlOf(t *testing.T, endpoint string) (string, error) {
	t.Helper()
	var url string
	network := wire(func(r *http.Request) (*http.Response, error) {
		url = r.URL.String()
		if r.Host != r.URL.Host {
			t.Errorf("Host %q is not that of %q", r.Host, url)
		}
		return answering(200, `{"Response":{"JobId":"j"}}`)(r)
	})
	c, err := edgeone.NewOver(edgeone.Config{Credentials: common.NewCredential("id", "key"), Endpoint: endpoint}, network)
	if err != nil {
		return "", err
	}
	_, err = c.CreatePurge(t.Context(), urlPurge)
	return url, err
}

func TestNew_SendsToItsEndpoint(t *testing.T) {
	tests := []struct{ endpoint, want string }{
		{"", "https://teo.tencentcloudapi.com/"},
		{"teo.intl.tencentcloudapi.com", "https://teo.intl.tencentcloudapi.com/"},
		{"TEO.Example.com:8443", "https://teo.example.com:8443/"},
		{"https://gate.example.com/teo", "https://gate.example.com/teo"},
		{"gate.example.com/teo/", "https://gate.example.com/teo/"},
		{"HTTPS://gate.example.com/", "https://gate.example.com/"},
		{"http://127.0.0.1:7481", "http://127.0.0.1:7481/"},
		{"http://127.8.9.10:7481/x", "http://127.8.9.10:7481/x"},
		{"http://[::1]:7481", "http://[::1]:7481/"},
		{"http://LocalHost:7481", "http://localhost:7481/"},
		{"127.0.0.1:7481", "https://127.0.0.1:7481/"},
	}
	for _, tt := range tests {
		got, err := urlOf(t, tt.endpoint)
		if err != nil || got != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.endpoint, got, err, tt.want)
		}
	}
}

func TestNew_RefusesAnEndpointThatIsNotSafe(t *testing.T) {
	tests := []struct{ endpoint, want string }{
		{"http://teo.tencentcloudapi.com", "use https"},
		{"http://10.0.0.1:7481", "use https"},
		{"http://localhost.example.com", "use https"},
		{"http://127.0.0.1.example.com", "use https"},
		{"http://0.0.0.0:7481", "use https"},
		{"ftp://teo.tencentcloudapi.com", "use https"},
		{"https://", "no host"},
		{"https:///path", "no host"},
		{":443", "no host"},
		{"https://user:hunter2@teo.tencentcloudapi.com", "use the credentials"},
		{"user:hunter2@teo.tencentcloudapi.com", "use the credentials"},
		{"https://user:hunter2@bad host", "use host[:port]"},
		{"teo.tencentcloudapi.com?x=1", "leave it out"},
		{"teo.tencentcloudapi.com#x", "leave it out"},
		{"teo.tencentcloudapi.com:port", "use host[:port]"},
	}
	for _, tt := range tests {
		_, err := urlOf(t, tt.endpoint)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want an error that says %q", tt.endpoint, err, tt.want)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error tells the password: %v", tt.endpoint, err)
		}
	}
}

func TestNew_NamesEveryFaultAtOnce(t *testing.T) {
	_, err := edgeone.New(edgeone.Config{Endpoint: "http://example.com", Version: "2022-01-07", Timeout: -time.Second})
	for _, want := range []string{"TENCENTCLOUD_SECRET_ID", "plain http", `"2022-01-07"`, `"2022-09-01"`, "negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}
