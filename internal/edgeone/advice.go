package edgeone

import "errors"

// advice says what an operator can do about e; empty where there is nothing to do but wait.
func (e *Error) advice() string {
	switch e.Code {
	case "AuthFailure.SignatureExpire":
		return "set this machine's clock"
	case "AuthFailure.TokenFailure":
		return "renew the temporary key"
	}
	if errors.Is(e, errLacking) {
		return "use version " + DefaultVersion
	}
	switch Classify(e) {
	case Throttled:
		return "the account's calls per second are used up, which other tools may share"
	case Transient:
		if !e.Sent {
			return "it was not sent"
		}
	case Ambiguous:
		return "it may have been carried out"
	case BatchQuota, TooLarge:
		return "ask for less at once"
	case DailyQuota:
		return "wait for the next day, or have the quota raised"
	case Plan:
		return "the zone's plan does not have it"
	case Permission:
		return "check the key pair, and that it may call teo:" + e.Action
	case Misconfigured:
		return "check zone, endpoint, region and version"
	case Done, BadTarget, NoJob, Unknown:
	}
	return ""
}
