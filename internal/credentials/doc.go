// Package credentials finds the key pair of an EdgeOne account and keeps it current.
//
// It stands before every call: package edgeone signs with what it returns. A configured pair comes first, then the
// SDK's provider chain: a profile file, the role of the machine, or the OIDC identity of a TKE pod. A provider that is
// away holds nobody up for more than 5 s, and its last keys are used meanwhile. The package does not know whether
// EdgeOne accepts the keys.
package credentials
