package edgeone

import "net/http"

// NewOver is New over a network of the test's.
func NewOver(cfg Config, wire http.RoundTripper) (*Client, error) { return newClient(cfg, wire) }

// NewWire returns the network that New uses.
func NewWire() *http.Transport { return newWire() }

// MaxText is the bound that tests hold errors to.
const MaxText = maxText
