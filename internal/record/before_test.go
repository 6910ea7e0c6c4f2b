package record

import (
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/purge"
)

func message(data string) *Delivery {
	return &Delivery{
		Data: []byte(data), ContentType: "application/json", Sequence: 7, Stored: time.Unix(1_700_000_000, 0),
	}
}

func TestBefore_NamesMessagesAsTheLastVersionDid(t *testing.T) {
	t.Parallel()
	const event = `{"specversion":"1.0","type":"x","source":"/cms","id":"42","data":{"targets":["https://a.example/"]}}`
	tests := map[string]struct{ data, msgID, want string }{
		"an id of its own":               {`{"id":"own","targets":["https://a.example/"]}`, "", "own"},
		"a CloudEvent, by its id alone":  {event, "", "42"},
		"a CloudEvent whose id is no id": {strings.Replace(event, "42", "4 2", 1), "", purge.GeneratedID(time.Unix(1_700_000_000, 0), 7)},
		"the message id":                 {`{"targets":["https://a.example/"]}`, "cms.m1", "m1"},
		"nothing":                        {`{"targets":["https://a.example/"]}`, "", purge.GeneratedID(time.Unix(1_700_000_000, 0), 7)},
		"an id that is there twice":      {`{"id":"first","id":"last","targets":["https://a.example/"]}`, "", "last"},
	}
	for name, tt := range tests {
		d := message(tt.data)
		d.MsgID = tt.msgID
		if got := ReadBefore(d, "cms").ID; got != tt.want {
			t.Errorf("%s: got id %q, want %q", name, got, tt.want)
		}
	}
}

// A member that is there twice is an error now; the last version took the last one.
func TestBefore_KnowsItsDigests(t *testing.T) {
	t.Parallel()
	const once = `{"targets":["https://a.example/b"],"labels":{"a":"2"}}`
	d := message(`{"targets":["https://a.example/a"],"targets":["https://a.example/b"],"labels":{"a":"1","a":"2"}}`)
	b := ReadBefore(d, "cms")
	if b.err != nil || b.Body.Labels["a"] != "2" {
		t.Fatalf("got %+v, %v, want the last of both", b.Body, b.err)
	}
	body, err := purge.Decode([]byte(once), d.ContentType)
	if err != nil {
		t.Fatal(err)
	}
	for digest, want := range map[string]bool{
		body.Digest(): true, purge.RawDigest(d.Data): true, purge.RawDigest([]byte(once)): false, "": false,
	} {
		if got := b.HasDigest(d, digest); got != want {
			t.Errorf("digest %q: got %v, want %v", digest, got, want)
		}
	}
	unread := message(`{"targets":`)
	if b := ReadBefore(unread, "cms"); b.HasDigest(unread, b.Body.Digest()) || !b.HasDigest(unread, purge.RawDigest(unread.Data)) {
		t.Error("a message that nobody could read has another digest than that of its bytes")
	}
}

func TestBefore_ResumesByTheRulesOfTheRecords(t *testing.T) {
	t.Parallel()
	d := message(`{"targets":["https://a.example/a","https://a.example/b"],"labels":{"a":"1"}}`)
	b := ReadBefore(d, "cms")
	now := Request{ID: "r", Rules: canonical.Current, Digest: "another", Total: 1}
	found := Found{Rules: canonical.Before, Digest: b.Body.Digest(), Recorded: []bool{true, false}}
	got, ok := b.Resume(now, &found)
	if !ok || got.ID != "r" || got.Rules != canonical.Before || got.Digest != found.Digest || got.Total != 2 ||
		got.Type != b.Body.Type || got.Labels["a"] != "1" {
		t.Errorf("got %+v, %v, want it as the records have it", got, ok)
	}
	for name, change := range map[string]func(f *Found){
		"of this version":    func(f *Found) { f.Rules = canonical.Current },
		"nothing is begun":   func(f *Found) { f.Recorded = nil },
		"of another message": func(f *Found) { f.Digest = "other" },
	} {
		other := found
		change(&other)
		if got, ok := b.Resume(now, &other); ok || got.Rules != now.Rules || got.Total != 1 {
			t.Errorf("%s: got %+v, want it unchanged", name, got)
		}
	}
}
