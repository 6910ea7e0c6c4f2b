package purge

import "strings"

// The codes of our own in a [Reason] or a [Failure]. Every other code is EdgeOne's, verbatim.
const (
	CodeMalformed         = "Malformed"         // not a request: no JSON, a field of the wrong form, a missing field
	CodeTooLarge          = "TooLarge"          // does not fit where it would have to be stored
	CodeUnknownField      = "UnknownField"      // a field that requests don't have; Field names it
	CodeInvalidTarget     = "InvalidTarget"     // a target without a canonical form
	CodeZoneNotFound      = "ZoneNotFound"      // no zone given, and none known for the host
	CodeZoneAmbiguous     = "ZoneAmbiguous"     // no zone given, and several known for the host
	CodePolicy            = "Policy"            // the configuration does not let this source ask for this
	CodeUnsupported       = "Unsupported"       // the API version in use can't do this
	CodeExpired           = "Expired"           // not submitted before the time in expires
	CodeDeadline          = "Deadline"          // submitted, and not finished within the tracker's deadline
	CodeAttemptsExhausted = "AttemptsExhausted" // failed at each of the attempts it was given
	CodePoison            = "Poison"            // delivered again and again, and never handled to its end
	CodeIDReused          = "IdReused"          // the id of another request; only a dead letter has it
)

// Reason says why something was refused or failed: a code for programs, a message for people, and the field of the
// request it is about, such as "zone" or "targets[2]", where there is one. *Reason is an error.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

// Error returns the reason as one line, such as "InvalidTarget: the host is missing (targets[2])".
func (r *Reason) Error() string {
	text := r.Code
	if r.Message != "" {
		text += ": " + r.Message
	}
	if r.Field != "" && !strings.HasPrefix(r.Message, r.Field) {
		text += " (" + r.Field + ")"
	}
	return text
}
