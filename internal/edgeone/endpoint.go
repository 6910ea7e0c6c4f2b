package edgeone

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// endpoint is where the API is, in the parts that the SDK wants.
type endpoint struct {
	scheme string // http or https
	host   string // host[:port]
	path   string // empty or with a leading slash
}

// parseEndpoint reads host[:port][/path], which is https, or a URL. Its errors hold nothing before
// an @, where a password may stand (I6).
func parseEndpoint(s string) (endpoint, error) {
	shown := s[strings.LastIndexByte(s, '@')+1:]
	full := s
	if !strings.Contains(s, "://") {
		full = "https://" + s
	}
	u, err := url.Parse(full)
	if err != nil {
		return endpoint{}, fmt.Errorf("endpoint %q is not an address: use host[:port] or a URL", shown)
	}
	if err := checkEndpoint(u); err != nil {
		return endpoint{}, fmt.Errorf("endpoint %q: %w", shown, err)
	}
	return endpoint{
		scheme: strings.ToLower(u.Scheme),
		host:   strings.ToLower(u.Host),
		path:   u.EscapedPath(),
	}, nil
}

// checkEndpoint refuses what a call could not be sent to, or not safely.
func checkEndpoint(u *url.URL) error {
	switch {
	case u.Hostname() == "":
		return errors.New("no host: use host[:port] or a URL")
	case u.User != nil:
		return errors.New("a user or password has no place here: use the credentials")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("a query or fragment has no place here: leave it out")
	case strings.EqualFold(u.Scheme, "https"):
		return nil
	case !strings.EqualFold(u.Scheme, "http"):
		return fmt.Errorf("scheme %q is not known: use https", u.Scheme)
	case !loopback(u.Hostname()):
		return errors.New("plain http is allowed to a loopback address only, such as http://127.0.0.1:7481: use https")
	}
	return nil
}

// loopback tells whether host is this machine by its very name: nothing is resolved.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
