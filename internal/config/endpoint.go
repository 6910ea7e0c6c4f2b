package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

var hostForm = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*` +
	`[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$`)

// ParseEndpoint splits host[:port] or a URL of the API into scheme (http or https, https where none is given) and
// host[:port]. A path, a query, a user, and plain http to another host than this one are errors. Errors don't show the
// endpoint where it may hold a password.
func ParseEndpoint(endpoint string) (scheme, host string, err error) {
	const form = "; write host, host:port or https://host:port"
	full := endpoint
	if !strings.Contains(full, "://") {
		full = "https://" + full
	}
	u, err := url.Parse(full)
	if err != nil || !validHost(u.Hostname()) || !validOptionalPort(u) {
		return "", "", errors.New(show(endpoint) + " is not an endpoint" + form)
	}
	switch {
	case u.User != nil:
		return "", "", errors.New("has a user in it, which the API does not know" + form)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", "", errors.New(show(endpoint) + " has another scheme than https" + form)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "", "", errors.New(show(endpoint) + " has more than a host and a port" + form)
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		return "", "", errors.New(show(endpoint) + " is plain http to a host that is not this one; write https://, " +
			"http:// goes only to a loopback address")
	}
	return u.Scheme, u.Host, nil
}

// Loopback tells whether endpoint is well formed and its host is this one: localhost or a loopback address. No name is
// looked up.
func Loopback(endpoint string) bool {
	_, host, err := ParseEndpoint(endpoint)
	if err != nil {
		return false
	}
	return loopbackHost((&url.URL{Host: host}).Hostname())
}

func loopbackHost(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsLoopback()
	}
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// validHost tells whether host is an IP address or looks like a name.
func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && hostForm.MatchString(host)
}

func validOptionalPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	return validPort(u.Port(), 1)
}

func validPort(port string, least int) bool {
	number, err := strconv.ParseUint(port, 10, 16)
	return err == nil && int(number) >= least
}

func splitAddress(address string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	return host, port, err == nil
}
