package broker

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/edgepurge/edgepurge/purge"
)

// A replay asks for what was asked for: nothing but the id and the label differ.
func FuzzReplayBody(f *testing.F) {
	for _, body := range []string{
		`{"id":"a","targets":["https://a.example/"],"labels":{"k":"v","replay_of":"x"}}`,
		` { "id" : 1 , "targets":["a"] , "hosts":[ ],"type":"tag", "labels" : null } `,
		`{"specversion":"1.0","id":"e","data":{"id":"_x","targets":["https://a.example/"]},"data":{"targets":["b"]}}`,
		`{"labels":{},"labels":{"a":"b"},"targets":["\ud800"],"targets":["https://a.example/}"]}`,
		`{}`, `[]`, `{"a":}`, `{"a":1,}`, `{"type":"all","zone":"zone-a"}`, "{\"targets\":[\"x\"]}\x00",
	} {
		f.Add([]byte(body), "")
		f.Add([]byte(body), purge.EventContentType)
	}
	for _, m := range nastyMessages(f) {
		if m.End.Status != string(purge.Rejected) && len(m.Body) < 1<<10 {
			f.Add(m.Body, m.Headers["Content-Type"])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		l := DeadLetter{Request: "ghost/a", ContentType: contentType, Data: data}
		before, refused := purge.Decode(data, contentType)
		body, err := replayBody(l, "_replay-7")
		if err != nil {
			if refused == nil {
				t.Fatalf("a request is refused: %v", err)
			}
			return
		}
		after, err := purge.Decode(body, contentType)
		if err != nil {
			t.Fatalf("%s is no request: %v", body, err)
		}
		if id := purge.PickID(after, "ghost", "ghost._replay-7"); id != "_replay-7" {
			t.Fatalf("%s has the id %q, want that of the message", body, id)
		}
		want := maps.Clone(before.Labels)
		if want == nil {
			want = make(map[string]string)
		}
		if _, labelled := want[replayLabel]; labelled || len(want) < purge.MaxLabels {
			want[replayLabel] = "ghost/a"
		}
		if diff := cmp.Diff(want, after.Labels); refused == nil && diff != "" {
			t.Fatalf("labels (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(purge.Request{}, "ID", "Labels", "CloudEvent")); refused == nil && diff != "" {
			t.Fatalf("request (-want +got):\n%s", diff)
		}
	})
}
