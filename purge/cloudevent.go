package purge

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"unicode/utf8"
)

// CloudEvent names the CloudEvents message that a request came in. Source and ID together are its identity.
type CloudEvent struct {
	Source string `json:"source,omitempty"`
	ID     string `json:"id"`
}

// hashedID begins the ids that follow from the identity of a CloudEvents message.
const hashedID = "ce-"

// requestID returns the id of the request in a message that came under source: the message's own id where that is a
// ValidID and the message names no other source, else one that follows from the pair.
func (e CloudEvent) requestID(source string) string {
	if ValidID(e.ID) && (e.Source == "" || e.Source == "/"+source) {
		return e.ID
	}
	sum := sha256.Sum256([]byte(e.Source + "\x00" + e.ID))
	return hashedID + hex.EncodeToString(sum[:16])
}

// EventHeader has what counts of the headers of a CloudEvents message in binary mode. The zero EventHeader is that of
// any other message.
type EventHeader struct {
	SpecVersion string
	Source      string
	ID          string
}

// ParseEventHeader reads the headers ce-specversion, ce-source and ce-id, whose names it takes in any case. Their values
// are percent-encoded, as the HTTP and NATS bindings of CloudEvents say; one that is not valid so is taken as it is.
func ParseEventHeader(header map[string][]string) EventHeader {
	var h EventHeader
	for name, values := range header {
		if len(name) < len("ce-id") || len(values) == 0 || !strings.EqualFold(name[:len("ce-")], "ce-") {
			continue
		}
		switch strings.ToLower(name[len("ce-"):]) {
		case "specversion":
			h.SpecVersion = unescape(values[0])
		case "source":
			h.Source = unescape(values[0])
		case "id":
			h.ID = unescape(values[0])
		}
	}
	return h
}

func unescape(value string) string {
	text, err := url.PathUnescape(value)
	if err != nil || !utf8.ValidString(text) {
		return strings.ToValidUTF8(value, "\ufffd")
	}
	return text
}
