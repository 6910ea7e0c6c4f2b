package purge

import (
	"strconv"
	"strings"
	"time"
)

const (
	maxID     = 64
	maxSource = 32
	maxPrefix = 32
	maxZone   = 64 // letters and digits behind "zone-"; EdgeOne's own have 12
)

// ValidID reports whether a producer may give id to a request: 1 to 64 of A-Za-z0-9_-, not beginning with '_', which
// marks the ids that edgepurge makes.
func ValidID(id string) bool {
	return validAnyID(id) && id[0] != '_'
}

// ValidSource reports whether source can be the last part of a request's subject: 1 to 32 of a-z0-9_-.
func ValidSource(source string) bool {
	return len(source) <= maxSource && consistsOf(source, func(c byte) bool {
		return isLower(c) || isDigit(c) || c == '_' || c == '-'
	})
}

// ValidZone reports whether zone has the form of EdgeOne's zone ids: "zone-" and 1 to 64 letters and digits.
func ValidZone(zone string) bool {
	rest, ok := strings.CutPrefix(zone, "zone-")
	return ok && len(rest) <= maxZone && consistsOf(rest, func(c byte) bool {
		return isLower(c) || isUpper(c) || isDigit(c)
	})
}

// ValidPrefix reports whether prefix can begin the subjects of an installation: 1 to 32 of a-z0-9-.
func ValidPrefix(prefix string) bool {
	return len(prefix) <= maxPrefix && consistsOf(prefix, func(c byte) bool {
		return isLower(c) || isDigit(c) || c == '-'
	})
}

// GeneratedID returns the id of a request that came without one, made of the broker's timestamp and the message's
// sequence in its stream. It is the same for every delivery of one message, unique even after the stream is deleted
// and made anew, and no producer can give it: it begins with '_'.
func GeneratedID(stored time.Time, sequence uint64) string {
	id := append(make([]byte, 0, maxID), '_')
	id = strconv.AppendUint(id, uint64(stored.UnixNano()), 36)
	id = append(id, '-')
	id = strconv.AppendUint(id, sequence, 36)
	return string(id)
}

// ReplayID returns the id of the request that a replay of the dead letter with this sequence makes. It comes in the
// Edgepurge-Replay header, see MessageID; no message can hold it, for it begins with '_'.
func ReplayID(sequence uint64) string {
	return replayPrefix + strconv.FormatUint(sequence, 10)
}

const replayPrefix = "_replay-"

// validReplayID reports whether ReplayID makes id.
func validReplayID(id string) bool {
	sequence, err := strconv.ParseUint(strings.TrimPrefix(id, replayPrefix), 10, 64)
	return err == nil && id == ReplayID(sequence)
}

// ReplayHeader names the header of a replay, which holds its ReplayID.
const ReplayHeader = "Edgepurge-Replay"

// MessageID returns what the headers of a message of source say of its id, as PickID takes it: "<source>.<id>" of a replay
// where the ReplayHeader has a ReplayID, else the Nats-Msg-Id header. Whoever may publish for a source may set either, but
// names no request of another source with them.
func MessageID(source, replay, msgID string) string {
	if validReplayID(replay) {
		return source + "." + replay
	}
	return msgID
}

// PickID returns the id that r's producer gave it: r.ID, else the one that follows from r.CloudEvent, else what follows
// "<source>." in msgID, the message's MessageID. That of a replay comes before r.CloudEvent; one in the Nats-Msg-Id header
// is of a version that had no ReplayHeader. PickID returns "" where nothing fits; then GeneratedID names the request.
func PickID(r Request, source, msgID string) string {
	if ValidID(r.ID) {
		return r.ID
	}
	id, ok := strings.CutPrefix(msgID, source+".")
	switch {
	case ok && validReplayID(id):
		return id
	case r.CloudEvent != nil && r.CloudEvent.ID != "":
		return r.CloudEvent.requestID(source)
	case ok && ValidID(id):
		return id
	}
	return ""
}

// validAnyID reports whether id is a producer's or one of ours.
func validAnyID(id string) bool {
	return len(id) <= maxID && consistsOf(id, isWord)
}

// validAccount reports whether account can name a configured account.
func validAccount(account string) bool {
	return len(account) <= maxID && consistsOf(account, isWord)
}

func consistsOf(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return s != ""
}

func isWord(c byte) bool {
	return isLower(c) || isUpper(c) || isDigit(c) || c == '_' || c == '-'
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
