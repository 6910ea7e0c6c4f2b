package record_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func goldenParked() *record.Parked {
	return &record.Parked{
		Request: goldenJob().Shares[0].Request,
		Body: purge.Request{
			Zone: "zone-3fkff38fyw8s", Type: purge.Tag, Targets: []string{"blog", `"Größe" <1 & 2>`, "shop", "a,b"},
			Hosts: []string{"b.test", "A.test"}, Account: "main", Time: at(0), Expires: at(60000),
			Labels: map[string]string{"post": "4711", "größe": `"<&>"`},
		},
	}
}

// A request of the current rules has two fields more.
func TestParked_HasItsGoldenFormOfTheCurrentRules(t *testing.T) {
	want := golden(t, "rules.v1.golden.json")
	p := goldenParked()
	p.Request.Rules, p.Request.CloudEvent = canonical.Current, &purge.CloudEvent{Source: "/cms", ID: "<größe>"}
	data, err := p.Encode()
	if diff := cmp.Diff(string(want), string(data)); diff != "" || err != nil {
		t.Errorf("stored form: %v (-want +got):\n%s", err, diff)
	}
	got, err := record.DecodeParked(want)
	p.Version = 1
	if diff := cmp.Diff(p, got); diff != "" || err != nil {
		t.Errorf("decoded: %v (-want +got):\n%s", err, diff)
	}
}

func TestCloudEventOf_BoundsWhatIsStored(t *testing.T) {
	for n, kept := range map[int]bool{1: true, 2047: true, 2048: false, 1 << 20: false} {
		r := purge.Request{CloudEvent: &purge.CloudEvent{Source: strings.Repeat("s", n), ID: "1"}}
		if got := record.CloudEventOf(r); (got != nil) != kept {
			t.Errorf("%d bytes: got %v, want it kept: %t", n+1, got, kept)
		}
	}
	if got := record.CloudEventOf(purge.Request{}); got != nil {
		t.Errorf("got %v of a request that came in none", got)
	}
}

func TestParked_HasItsGoldenForm(t *testing.T) {
	want := golden(t, "parked.v1.golden.json")
	p := goldenParked()
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(data)); diff != "" {
		t.Errorf("stored form (-want +got):\n%s", diff)
	}
	got, err := record.DecodeParked(want)
	if err != nil {
		t.Fatal(err)
	}
	p.Version = 1
	if diff := cmp.Diff(p, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

// A request that expires in the first instant of year 1 is not one that never expires, before and
// after it is parked. In a record of the last version the field is missing where the request never
// expires.
func TestParked_KeepsAnExpiryInYearOne(t *testing.T) {
	body, err := purge.Decode([]byte(`{"targets":["a"],"time":"0001-01-01T00:00:00Z","expires":"0001-01-01T00:00:00Z"}`), "")
	if err != nil {
		t.Fatal(err)
	}
	data, err := (&record.Parked{Body: body}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := record.DecodeParked(data)
	if err != nil || got.Body.Expires.IsZero() || got.Body.Time.IsZero() || got.Body.Expires.Year() != 1 {
		t.Errorf("got %+v, %v from %s, want both times", got, err, data)
	}
	old := strings.Replace(string(golden(t, "parked.v1.golden.json")), `,"expires":"2026-11-22T10:01:00Z"`, "", 1)
	if got, err := record.DecodeParked([]byte(old)); err != nil || !got.Body.Expires.IsZero() {
		t.Errorf("without expires: got %+v, %v, want none", got, err)
	}
}

func TestParked_OfANewerVersionIsLeftAlone(t *testing.T) {
	newer := strings.Replace(string(golden(t, "parked.v1.golden.json")), `"v":1`, `"v":2`, 1)
	if _, err := record.DecodeParked([]byte(newer)); !errors.Is(err, record.ErrVersion) {
		t.Errorf("got %v, want %v", err, record.ErrVersion)
	}
	if _, err := record.DecodeParked([]byte(`{"stream":"PURGE_REQUESTS","seq":1}`)); err == nil {
		t.Error("got nil for what is no record")
	}
}

func FuzzDecodeParked(f *testing.F) {
	f.Add(golden(f, "parked.v1.golden.json"))
	f.Add([]byte(`{"v":1,"request":null,"body":{"targets":[""]}}`))
	f.Add([]byte(`{"v":1,"body":{"time":"2026-11-22T10:00:00+24:00"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := record.DecodeParked(data)
		if err != nil {
			return
		}
		again, err := p.Encode()
		skipOddTimes(t, err)
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		twice, err := record.DecodeParked(again)
		if err != nil {
			t.Fatalf("decode what was encoded: %v", err)
		}
		if data, err := twice.Encode(); err != nil || string(data) != string(again) {
			t.Errorf("got %s, %v, want %s", data, err, again)
		}
	})
}
