package purge_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/purge"
)

func TestPickID_TakesSourceAndIDTogether(t *testing.T) {
	hash := func(source, id string) string {
		sum := sha256.Sum256([]byte(source + "\x00" + id))
		return "ce-" + hex.EncodeToString(sum[:])[:32]
	}
	tests := []struct{ name, own, source, id, msgID, want string }{
		{"own id", "a", "/cms", "b", "ghost.c", "a"},
		{"no source", "", "", "b", "ghost.c", "b"},
		{"the subject's source", "", "/ghost", "b", "ghost.c", "b"},
		{"another source", "", "/cms", "b", "ghost.c", hash("/cms", "b")},
		{"the subject's source without a slash", "", "ghost", "b", "", hash("ghost", "b")},
		{"an id that does not fit", "", "/ghost", "urn:b", "ghost.c", hash("/ghost", "urn:b")},
		{"an id like ours", "", "", "_b", "", hash("", "_b")},
		{"a long id", "", "", strings.Repeat("b", 65), "", hash("", strings.Repeat("b", 65))},
		{"the longest id", "", "", strings.Repeat("b", 64), "", strings.Repeat("b", 64)},
		{"no id", "", "/ghost", "", "ghost.c", "c"},
		{"a replay", "", "/cms", "b", "ghost._replay-7", "_replay-7"},
	}
	for _, tt := range tests {
		r := purge.Request{ID: tt.own, CloudEvent: &purge.CloudEvent{Source: tt.source, ID: tt.id}}
		if got := purge.PickID(r, "ghost", tt.msgID); got != tt.want || !purge.ValidID(got) && tt.name != "a replay" {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestParseEventHeader_ReadsNamesInAnyCase(t *testing.T) {
	want := purge.EventHeader{SpecVersion: "1.0", Source: "/cms", ID: "café 1"}
	for _, h := range []map[string][]string{
		{"ce-specversion": {"1.0"}, "ce-source": {"/cms"}, "ce-id": {"caf%C3%A9%201"}, "ce-type": {"t"}},
		{"Ce-Specversion": {"1.0"}, "CE-SOURCE": {"%2Fcms"}, "cE-iD": {"café 1"}, "Content-Type": {"x"}},
	} {
		if diff := cmp.Diff(want, purge.ParseEventHeader(h)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", h, diff)
		}
	}
	for _, h := range []map[string][]string{nil, {"ce-": {"a"}}, {"id": {"a"}}, {"ce_id": {"a"}}, {"ce-id": {}}, {"xce-id": {"a"}}} {
		if got := purge.ParseEventHeader(h); got != (purge.EventHeader{}) {
			t.Errorf("%v: got %+v, want none", h, got)
		}
	}
}

func TestDecodeMessage_ReadsBinaryMode(t *testing.T) {
	header := purge.EventHeader{SpecVersion: "1.0", Source: "/cms", ID: "b"}
	want := purge.Request{ID: "a", Type: purge.URL, Targets: []string{"x"}, CloudEvent: &purge.CloudEvent{Source: "/cms", ID: "b"}}
	got, err := purge.DecodeMessage([]byte(`{"id":"a","targets":["x"]}`), "application/json", header)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	// The envelope counts where there is one.
	structured := `{"specversion":"1.0","id":"c","source":"/x","data":{"targets":["x"]}}`
	want = purge.Request{Type: purge.URL, Targets: []string{"x"}, CloudEvent: &purge.CloudEvent{Source: "/x", ID: "c"}}
	got, err = purge.DecodeMessage([]byte(structured), "application/cloudevents+json", header)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("structured: %v (-want +got):\n%s", err, diff)
	}
	header.SpecVersion = "0.3"
	got, err = purge.DecodeMessage([]byte(`{"targets":["x"]}`), "", header)
	if reason, ok := errors.AsType[*purge.Reason](err); !ok || reason.Field != "specversion" || got.CloudEvent == nil {
		t.Errorf("version 0.3: got %+v, %v, want it refused, with its identity", got, err)
	}
	header = purge.EventHeader{SpecVersion: "1.0", Source: "/cms"}
	if got, err := purge.DecodeMessage([]byte(`{"targets":["x"]}`), "", header); err != nil || got.CloudEvent != nil {
		t.Errorf("no id: got %+v, %v, want a plain request", got, err)
	}
}

// FuzzCloudEvent makes sure that binary and structured mode agree, and that every identity makes a valid id.
func FuzzCloudEvent(f *testing.F) {
	for _, seed := range [][2]string{{"/ghost", "post-1"}, {"/cms", "urn:uuid:1"}, {"", "_a"}, {"a\x00b", "c"}, {"%2Fcms", "100%"}, {"\xff", "é"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, source, id string) {
		h := purge.ParseEventHeader(map[string][]string{"CE-Source": {source}, "ce-ID": {id}, "ce-specversion": {"1.0"}})
		if !utf8.ValidString(h.Source) || !utf8.ValidString(h.ID) {
			t.Fatalf("%q %q: got %+v, which is not UTF-8", source, id, h)
		}
		binary, err := purge.DecodeMessage([]byte(`{"targets":["a"]}`), "", h)
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]any{"specversion": "1.0", "source": h.Source, "id": h.ID, "data": map[string]any{"targets": []string{"a"}}})
		if err != nil {
			t.Fatal(err)
		}
		structured, err := purge.Decode(body, "")
		if diff := cmp.Diff(binary, structured); diff != "" || err != nil {
			t.Fatalf("%s: %v (-binary +structured):\n%s", body, err, diff)
		}
		if got := purge.PickID(binary, "ghost", ""); (got == "") != (h.ID == "") || got != "" && !purge.ValidID(got) {
			t.Fatalf("%+v: got id %q", h, got)
		}
	})
}
