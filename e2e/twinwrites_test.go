package e2e_test

import (
	"strings"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// twinWrites are those that go wrong, the ones that take longest first.
var twinWrites = []twinWrite{
	{name: "parked request", match: published("purge.parked."), nths: []int{1, 2, 15}, load: askParked, drive: endDay, setting: spentDay},
	{name: "ack of a parked request", match: said("PARKED", "+ACK", false), mute: true, late: true, nths: []int{1, 2, 7}, load: askParked, drive: endDay, setting: spentDay},
	{name: "last ack of parked requests", match: said("PARKED", "+ACK", true), nths: []int{1, 2, 3}, load: askParked, drive: endDay, setting: spentDay},
	{name: "queue", match: published("$JS.API.CONSUMER.CREATE.PURGE_PARKED."), nths: []int{1, 2, 3}, load: askParked, drive: endDay, setting: spentDay},
	{name: "removal of a queue", match: published("$JS.API.CONSUMER.DELETE.PURGE_PARKED."), nths: []int{1, 2, 3}, load: askParked, drive: endDay, setting: spentDay},

	{name: "what is left of a job", match: leftRecord, nths: []int{1, 2, 4}, load: askFailing},
	{name: "removal of a job that failed", match: published("$JS.API.STREAM.MSG.DELETE.PURGE_JOBS"), nths: []int{1, 7, 9}, load: askFailing},

	{name: "lease given back", match: said("CONTROL", "-NAK", false), mute: true, nths: []int{1, 2, 3}, load: askPlain, drive: drains},
	{name: "hand-over", match: published("purge.control.handover"), nths: []int{1, 2, 3}, load: askPlain, drive: drains},
	{name: "removal of a hand-over", match: published("$JS.API.STREAM.MSG.DELETE.PURGE_CONTROL"), nths: []int{1, 2, 3}, load: askPlain, drive: drains},
	{name: "lease", match: said("CONTROL", "+WPI", true), nths: []int{1, 2, 4}, load: askPlain},
	{name: "AckWait", match: published("$JS.API.CONSUMER.CREATE.PURGE_REQUESTS."), nths: []int{1, 2, 4}, load: askHeld},
	{name: "pause", match: published("purge.control.pause."), nths: []int{1, 2, 3}, load: askPlain, drive: pauses},
	{name: "end of a pause", match: published("$JS.API.STREAM.MSG.DELETE.PURGE_CONTROL"), nths: []int{1, 2, 3}, load: askPlain, drive: pauses},

	{name: "stream", match: published("$JS.API.STREAM.CREATE."), nths: []int{1, 2, 7}, load: askPlain, setting: bare},
	{name: "consumer", match: published("$JS.API.CONSUMER.CREATE."), nths: []int{1, 2, 3}, load: askPlain, setting: bare},
	{name: "lease made", match: published("purge.control.lease"), nths: []int{1}, load: askPlain, setting: bare},

	{name: "job", match: jobRecord, nths: []int{1, 2, 5}, load: askPlain},
	{name: "part of a job", match: jobRecord, nths: []int{1, 2, 4}, load: askLarge, setting: smallMessages},
	{name: "removal of a job", match: published("$JS.API.STREAM.MSG.DELETE.PURGE_JOBS"), nths: []int{1, 2, 5}, load: askPlain},
	{name: "first progress", match: marked("Nats-Expected-Last-Subject-Sequence: 0\r"), nths: []int{1, 2, 4}, load: askWide},
	{name: "progress", match: marked(""), nths: []int{2, 5, 8}, load: askWide},
	{name: "last progress", match: marked("Nats-TTL:"), nths: []int{1, 2, 4}, load: askWide},
	{name: "note of what is handled alone", match: published("purge.marks."), nths: []int{1, 2, 5}, load: askOften},
	{name: "event", match: published("purge.events."), nths: []int{1, 2, 13}, load: askPlain},
	{name: "event of a refusal", match: published("purge.events.test.rejected."), nths: []int{1, 2, 7}, load: askBad},
	{name: "dead letter", match: published("purge.dead."), nths: []int{1, 2, 7}, load: askBad},

	{name: "ack", match: said("REQUESTS", "+ACK", false), mute: true, nths: []int{1, 2, 9}, load: askUrgent},
	{name: "last ack", match: said("REQUESTS", "+ACK", true), nths: []int{1, 2, 4}, load: askPlain},
	{name: "sign of life", match: said("REQUESTS", "+WPI", false), mute: true, nths: []int{1, 2, 9}, load: askGated, drive: openGate},
	{name: "nak", match: said("REQUESTS", "-NAK", false), mute: true, nths: []int{1, 2, 7}, load: askSlow, drive: drainHeld, setting: slow},
	{name: "pull", match: published("$JS.API.CONSUMER.MSG.NEXT.PURGE_REQUESTS.interactive"), nths: []int{1}, load: askUrgent},

	{name: createPurge, action: createPurge, nths: []int{1, 2, 5}, load: askPlain},
	{name: describeTasks, action: describeTasks, nths: []int{1, 2, 6}, load: askPlain},
	{name: describeQuota, action: describeQuota, nths: []int{1, 2, 3}, load: askZones, setting: someZones},
	{name: describeZones, action: describeZones, nths: []int{1}, load: askZones, setting: someZones},
	{name: describeHosts, action: describeHosts, nths: []int{1, 2, 3}, load: askZones, setting: someZones},
}

var (
	bare = twinSetting{bare: true}
	// someZones has three zones, each of which is asked about.
	someZones = twinSetting{emulator: func(c *emulator.Config) {
		c.Zones = map[string][]string{"zone-a": {"www.example.com"}, "zone-b": {"other.example"}, "zone-c": {"third.example"}}
	}}
	// spentDay has zones whose day may be spent, and a window that little may wait in.
	spentDay = twinSetting{
		emulator: func(c *emulator.Config) {
			someZones.emulator(c)
			c.BatchQuota, c.DailyQuota = 10, 100_000
		},
		config: func(c *config.Config) { c.Worker.Window, c.Worker.InteractiveWindow = 100, 100 },
	}
	// smallMessages has a server whose messages are soon too small for a job.
	smallMessages = twinSetting{payload: 512 << 10, emulator: func(c *emulator.Config) { c.BatchQuota = 200 }}
	// slow sends twenty targets a second.
	slow = twinSetting{
		emulator: func(c *emulator.Config) { c.BatchQuota = 1 },
		config:   func(c *config.Config) { c.Limits.CreatePerSecond = 20 },
	}
)

// published finds what goes to a subject that begins so.
func published(prefix string) func(frame) bool {
	return func(f frame) bool { return strings.HasPrefix(f.subject, prefix) }
}

// said finds a word about a message of a stream, with or without an answer.
func said(stream, word string, answered bool) func(frame) bool {
	return func(f frame) bool {
		return strings.HasPrefix(f.subject, "$JS.ACK.PURGE_"+stream+".") && f.body == word && answered == (f.reply != "")
	}
}

func jobRecord(f frame) bool {
	return strings.HasPrefix(f.subject, "purge.jobs.") && !strings.HasSuffix(f.subject, "-left")
}

func leftRecord(f frame) bool {
	return strings.HasPrefix(f.subject, "purge.jobs.") && strings.HasSuffix(f.subject, "-left")
}

// marked finds records of progress with something in their headers.
func marked(header string) func(frame) bool {
	return func(f frame) bool {
		return strings.HasPrefix(f.subject, "purge.marks.") && strings.Contains(f.head, header)
	}
}
