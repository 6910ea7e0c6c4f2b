package purge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Decode reads the body of a request message: the request as JSON, or a CloudEvents 1.0 message in structured mode
// whose data it is. The latter is told by the content type application/cloudevents+json (in any case, with any
// parameters), else by a member specversion at the top. The envelope's source and id become the request's CloudEvent;
// its other attributes are ignored. See PickID for the request's id.
//
// The type is URL where none is given, and the API's names of the types are taken too. Names are exact, null is the same
// as absent, and a name that is there twice is an error. Decode checks every field but the form of the targets: that is
// for Canonical, one by one, so that a bad target does not sink its neighbours. Times come back in UTC.
//
// An error is a *Reason with CodeMalformed, CodeUnknownField or, for too many hosts, CodeTooLarge. The request then holds
// what could be read and is valid, in particular the id, so that the refusal can be told to the one who asked. Memory
// grows with the body alone, however it is nested; the caller bounds the body.
func Decode(data []byte, contentType string) (Request, error) {
	return DecodeMessage(data, contentType, EventHeader{})
}

// DecodeMessage is Decode for a message that may also be a CloudEvents one in binary mode: then header has an ID, the
// body is the request, and the header becomes its CloudEvent. A message in structured mode is read without its header.
func DecodeMessage(data []byte, contentType string, header EventHeader) (Request, error) {
	d := decoder{scanner: scanner{data: data}}
	if isCloudEvent(contentType) || d.body() {
		d = decoder{scanner: scanner{data: data}}
		d.envelope()
	} else if header.ID != "" {
		d.binary(header)
	}
	d.close()
	d.check()
	if d.reason != nil {
		return d.request, d.reason
	}
	return d.request, nil
}

func isCloudEvent(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), EventContentType)
}

// decoder reads a whole message even after a fault, for an id may follow.
type decoder struct {
	scanner
	request Request
	reason  *Reason // the first fault, but that a broken message is told before all others
	typed   bool    // the request has a type, if not a known one
	seen    uint    // a bit for each of requestFields that has come
}

// body reads a request, unless the message turns out to be a CloudEvents one.
func (d *decoder) body() (envelope bool) {
	if d.next() != '{' {
		d.malformed("", "the message must be a JSON object")
	}
	for name := range d.members() {
		if string(name) == "specversion" {
			return true
		}
		d.field(name)
	}
	return false
}

// envelope reads a CloudEvents message and the request in its data.
func (d *decoder) envelope() {
	if d.next() != '{' {
		d.malformed("", "a CloudEvents message must be a JSON object")
	}
	var version, id, source string
	var found bool
	seen := make(map[string]bool)
	for name := range d.members() {
		if seen[string(name)] {
			d.twice(clip(name))
		}
		seen[string(name)] = true
		switch string(name) {
		case "specversion":
			version = d.word("specversion")
		case "id":
			text, _ := d.text()
			id = string(text)
		case "source":
			text, _ := d.text()
			source = string(text)
		case "data":
			found = true
			d.inner()
		case "data_base64":
			d.skip()
			d.malformed("data_base64", "is not read; give the request as a JSON object in data")
		default:
			d.skip()
		}
	}
	if version != specVersion {
		d.malformed("specversion", versionFault)
	}
	if !found {
		d.malformed("data", "is missing; it holds the request")
	}
	if id != "" {
		d.request.CloudEvent = &CloudEvent{Source: source, ID: id}
	}
}

const versionFault = `must be "1.0", the version of CloudEvents that is read`

// binary adds the header of a CloudEvents message in binary mode to the request that was read.
func (d *decoder) binary(header EventHeader) {
	if header.SpecVersion != "" && header.SpecVersion != specVersion {
		d.malformed("specversion", versionFault)
	}
	d.request.CloudEvent = &CloudEvent{Source: header.Source, ID: header.ID}
}

// inner reads the request in the data of a CloudEvents message.
func (d *decoder) inner() {
	d.request, d.typed, d.seen = Request{}, false, 0
	if d.next() != '{' {
		d.malformed("data", "must be a JSON object: the request")
	}
	for name := range d.members() {
		d.field(name)
	}
}

// close makes sure that the message is whole, and nothing but JSON.
func (d *decoder) close() {
	d.next()
	switch {
	case !utf8.Valid(d.data):
		d.reason = &Reason{Code: CodeMalformed, Message: "the message is not UTF-8; encode it as UTF-8"}
	case d.broken || d.at < len(d.data):
		d.reason = &Reason{Code: CodeMalformed, Message: "the message is not JSON" + syntaxFault(d.data)}
	case !d.typed:
		d.request.Type = URL
	}
}

// syntaxFault says where a message stops being JSON.
func syntaxFault(data []byte) string {
	var raw json.RawMessage
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &raw))
	switch {
	case !ok:
		return ""
	case syntax.Offset >= int64(len(data)) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return fmt.Sprintf(": it ends too early, after %d bytes", len(data))
	}
	return fmt.Sprintf(": the fault is at byte %d", syntax.Offset)
}

// malformed notes what is wrong with a field; the message, made to follow the field's name, must also do alone.
func (d *decoder) malformed(field, message string) {
	if field != "" {
		message = field + " " + message
	}
	d.fault(CodeMalformed, field, message)
}

// twice refuses a second member of one name: of the two nobody knows which was meant.
func (d *decoder) twice(field string) {
	d.malformed(field, "is there twice; give it once")
}

func (d *decoder) fault(code, field, message string) {
	if d.reason == nil {
		d.reason = &Reason{Code: code, Message: message, Field: field}
	}
}
