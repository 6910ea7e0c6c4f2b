package purge_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/purge"
)

func TestProgressEvent_SaysWhatWasDone(t *testing.T) {
	submitted := purge.Progress{
		Request: "post-4711-r3", Source: "ghost", Lane: purge.Interactive, Status: purge.Submitted, Type: purge.URL,
		Zone: "zone-3fkff38fyw8s", Job: "20ga521cpwch", Attempt: 1,
		Targets: purge.ProgressTargets{Total: 3, Submitted: 2}, Labels: map[string]string{"post": "4711"},
	}
	parked := purge.Progress{Request: "r", Source: "ghost", Lane: purge.Bulk, Status: purge.Parked, Type: purge.Tag, Targets: purge.ProgressTargets{Total: 1}}
	for want, p := range map[string]purge.Progress{
		`{"specversion":"1.0","id":"ghost/post-4711-r3/20ga521cpwch","source":"/edgepurge/default",` +
			`"type":"io.edgepurge.request.submitted.v1","subject":"ghost/post-4711-r3","time":"2026-11-22T11:00:00Z",` +
			`"datacontenttype":"application/json","data":{"request":"post-4711-r3","source":"ghost","lane":"interactive",` +
			`"status":"submitted","type":"url","zone":"zone-3fkff38fyw8s","job":"20ga521cpwch",` +
			`"targets":{"total":3,"submitted":2},"attempt":1,"labels":{"post":"4711"}}}`: submitted,
		`{"specversion":"1.0","id":"ghost/r/parked/2026-11-22T11:00:00Z","source":"/edgepurge/default",` +
			`"type":"io.edgepurge.request.parked.v1","subject":"ghost/r","time":"2026-11-22T11:00:00Z",` +
			`"datacontenttype":"application/json","data":{"request":"r","source":"ghost","lane":"bulk","status":"parked",` +
			`"type":"tag","targets":{"total":1,"submitted":0},"attempt":0}}`: parked,
	} {
		e := purge.NewProgressEvent("default", p, expires)
		data, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, strings.TrimSpace(string(data))); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}
		got, err := purge.DecodeProgressEvent(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("decoded (-want +got):\n%s", diff)
		}
		if _, err := purge.DecodeEvent(data); err == nil {
			t.Errorf("%s passes for a terminal event", data)
		}
	}
}

// FuzzDecodeProgressEvent makes sure that what is read as progress is of this version, and says the same when it is written.
func FuzzDecodeProgressEvent(f *testing.F) {
	for _, data := range []string{
		`{"specversion":"1.0","type":"io.edgepurge.request.submitted.v1","data":{"status":"submitted","job":"x","targets":{"total":2}}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request.parked.v1","time":"2026-11-22T11:00:00.5+01:00","data":{"status":"parked","labels":{"\u0000":"<&>"}}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request.completed.v1","data":{"status":"completed"}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request.parked.v2","data":{"status":"parked"}}`, `{"specversion":"0.3"}`, `null`, `[]`, "\xff",
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := purge.DecodeProgressEvent(data)
		if err != nil {
			return
		}
		if s := e.Data.Status; s != purge.Submitted && s != purge.Parked {
			t.Errorf("%s: got status %q", data, s)
		}
		stored, err := e.Encode()
		if err != nil {
			t.Skip("a time that RFC 3339 can't express, which no message of ours has")
		}
		again, err := purge.DecodeProgressEvent(stored)
		if err != nil {
			t.Fatalf("%s: got %v the second time", stored, err)
		}
		if twice, err := again.Encode(); err != nil || string(twice) != string(stored) {
			t.Errorf("got %s, %v when written again, want %s", twice, err, stored)
		}
	})
}
