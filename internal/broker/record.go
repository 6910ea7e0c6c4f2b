package broker

import "github.com/nats-io/nats.go"

// versionHeader returns what edgepurge stored from what else may lie under its internal subjects. A
// producer can name any subject as the one for the server's answer to its publish; the answer has
// no headers, and can't meet a subject that holds a salt, so that it replaces nothing.
const versionHeader = "Edgepurge-Version"

func isRecord(h nats.Header) bool { return h.Get(versionHeader) != "" }
