package config_test

import (
	"testing"

	"github.com/edgepurge/edgepurge/internal/config"
)

func TestParseEndpoint_Forms(t *testing.T) {
	tests := []struct {
		endpoint, scheme, host string
		loopback               bool
	}{
		{"teo.tencentcloudapi.com", "https", "teo.tencentcloudapi.com", false},
		{"teo.tencentcloudapi.com:443", "https", "teo.tencentcloudapi.com:443", false},
		{"https://teo.tencentcloudapi.com/", "https", "teo.tencentcloudapi.com", false},
		{"http://127.0.0.1:7481", "http", "127.0.0.1:7481", true},
		{"127.0.0.1:7481", "https", "127.0.0.1:7481", true},
		{"http://127.8.9.1", "http", "127.8.9.1", true},
		{"http://[::1]:7481", "http", "[::1]:7481", true},
		{"http://[::ffff:127.0.0.1]", "http", "[::ffff:127.0.0.1]", true},
		{"http://LocalHost:1", "http", "LocalHost:1", true},
		{"https://10.0.0.1", "https", "10.0.0.1", false},
		{"localhost.example.com", "https", "localhost.example.com", false},
	}
	for _, tt := range tests {
		scheme, host, err := config.ParseEndpoint(tt.endpoint)
		if err != nil || scheme != tt.scheme || host != tt.host {
			t.Errorf("%s: got %s %s %v, want %s %s", tt.endpoint, scheme, host, err, tt.scheme, tt.host)
		}
		if got := config.Loopback(tt.endpoint); got != tt.loopback {
			t.Errorf("%s: got loopback %v, want %v", tt.endpoint, got, tt.loopback)
		}
	}
}

func TestParseEndpoint_Refuses(t *testing.T) {
	for _, endpoint := range []string{
		"", " ", "a b", "http://", "https://:443", "a:", "a:0", "a:65536", "a:b", "::1", "[::1", "ftp://a", "a/path", "https://a?x=y",
		"https://a#b", "http://a.com", "http://10.0.0.1", "http://0.0.0.0", "http://127.0.0.1.example.com",
		"http://localhost.example.com", "http://127.1", "https://u:p@a", "u@a", "-a.com", "a..b", "a\nb", "http://127.0.0.1@a.com",
	} {
		if scheme, host, err := config.ParseEndpoint(endpoint); err == nil {
			t.Errorf("%q: got %s %s, want an error", endpoint, scheme, host)
		}
		if config.Loopback(endpoint) {
			t.Errorf("%q: got loopback", endpoint)
		}
	}
}
