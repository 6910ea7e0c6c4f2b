package emulator

import (
	"net"
	"net/netip"
	"strings"
)

// The SDKs build what they sign from the endpoint that a user names, and no two do it alike. To the API's own name
// that makes no difference. To 127.0.0.1:7481 it does: those for Node.js, Java and .NET, and older ones for Python
// and PHP, take the service from what comes before the endpoint's first dot, and the one for Node.js also leaves
// the port out of the host that it signs, though it sends it. A loopback address is nobody's service, so that its
// callers may sign either form. Every other name is held to the documents.

// services lists the names of the service that a call to the host may be signed for.
func services(host string) []string {
	names := []string{service}
	if name, ok := loopback(host); ok {
		for _, endpoint := range []string{host, name} {
			label, _, _ := strings.Cut(endpoint, ".")
			names = append(names, label)
		}
	}
	return names
}

// signedHosts lists the forms of the host that a call to it may have signed.
func signedHosts(host string) []string {
	hosts := []string{host}
	if name, ok := loopback(host); ok && name != host {
		hosts = append(hosts, name)
	}
	return hosts
}

// loopback returns a Host header without its port, and whether it names a loopback address.
func loopback(host string) (name string, ok bool) {
	name = host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
		if strings.HasPrefix(host, "[") {
			name = "[" + h + "]"
		}
	}
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return name, ip.Unmap().IsLoopback()
	}
	labels := strings.Split(strings.ToLower(name), ".")
	return name, labels[len(labels)-1] == "localhost"
}
