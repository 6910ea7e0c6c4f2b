package purge_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/purge"
)

// candidates are JSON values of each field of a request, good and bad ones. Left out are those that a schema can't tell
// from good ones: years that RFC 3339 has no text for, leap seconds, names that no host can have, and labels whose
// length in bytes is another than in characters.
var candidates = map[string][]string{
	"id": {
		`"post-4711-r3"`, `"` + strings.Repeat("x", 64) + `"`, `"-"`, `""`, `null`,
		`"_x"`, `"a.b"`, `"` + strings.Repeat("x", 65) + `"`, `4711`, `["a"]`, `"a\n"`,
	},
	"zone": {`"zone-3fkff38fyw8s"`, `""`, `null`, `"zone-"`, `"3fkff38fyw8s"`, `"zone-a-b"`, `{}`},
	"type": {
		`"url"`, `"prefix"`, `"host"`, `"tag"`, `"all"`, `"purge_url"`, `"purge_prefix"`, `"purge_host"`,
		`"purge_cache_tag"`, `"purge_all"`, `""`, `null`, `"URL"`, `"purge_tag"`, `"page"`, `1`,
	},
	"method":  {`"invalidate"`, `"delete"`, `""`, `null`, `"Delete"`, `"purge"`, `true`},
	"targets": {`["https://www.example.com/"]`, `["a","b",""]`, `[]`, `null`, `"https://www.example.com/"`, `[1]`, `[null]`, `{}`},
	"hosts": {
		`["www.example.com"]`, `["a","[::1]"]`, `[" \tWWW.example.com.\r\n","[::1] "]`, `[" "]`, `[]`, `null`,
		hosts(purge.MaxHosts, "a"), hosts(purge.MaxHosts+1, "a"), hosts(1, strings.Repeat("a.", 127)+"a"),
		`["*.example.com"]`, `[""]`, `["a b"]`, `["a:80"]`, `["https://a/"]`, `"a"`, `[1]`,
	},
	"account":  {`"main"`, `"_x"`, `""`, `null`, `"a b"`, `"` + strings.Repeat("x", 65) + `"`, `0`},
	"time":     {`"2026-11-22T10:00:00Z"`, `"2026-11-22T10:00:00.5+01:00"`, `null`, `"2026-11-22"`, `"now"`, `""`, `1795341600`},
	"expires":  {`"2026-11-22T11:00:00Z"`, `"0001-01-01T00:00:00Z"`, `null`, `"11:00"`, `"2026-11-22T11:00:00"`, `false`},
	"prefetch": {`true`, `false`, `null`, `"true"`, `1`},
	"labels": {
		`{"post":"4711"}`, `{"` + strings.Repeat("k", 64) + `":"` + strings.Repeat("v", 256) + `"}`, labels(16), `{}`, `null`,
		`{"` + strings.Repeat("k", 65) + `":""}`, `{"a":"` + strings.Repeat("v", 257) + `"}`, labels(17), `{"a":1}`,
		`{"a":null}`, `["a"]`, `"a"`,
	},
	"Targets": {`["a"]`},
	"urls":    {`null`},
}

func hosts(n int, host string) string {
	data, _ := json.Marshal(slices.Repeat([]string{host}, n))
	return string(data)
}

func labels(n int) string {
	list := make(map[string]string, n)
	for i := range n {
		list[strings.Repeat("k", i+1)] = ""
	}
	data, _ := json.Marshal(list)
	return string(data)
}

// Every field with each of its values, beside every other with each of its own.
func TestSchema_AgreesWithDecode(t *testing.T) {
	schema := compile(t, requestSchema)
	type member struct{ name, text string }
	var members []member
	for _, name := range slices.Sorted(maps.Keys(candidates)) {
		for _, value := range candidates[name] {
			members = append(members, member{name, `"` + name + `":` + value})
		}
	}
	accepted, refused := 0, 0
	check := func(doc string) {
		_, err := purge.Decode([]byte(doc), "")
		if verdict := judge(t, schema, []byte(doc)); (err == nil) != (verdict == nil) {
			t.Errorf("%s: Decode says %v, the schema %v", doc, err, verdict)
		}
		if err != nil {
			refused++
			return
		}
		accepted++
	}
	for i, a := range members {
		for _, b := range members[i:] {
			text := a.text
			if a.name == b.name && a != b {
				continue
			}
			if a != b {
				text += "," + b.text
			}
			check("{" + text + "}")
			if a.name != "targets" && b.name != "targets" {
				check(`{"targets":["a"],` + text + "}")
			}
		}
	}
	if accepted < 100 || refused < 100 {
		t.Errorf("got %d accepted, %d refused, want many of both", accepted, refused)
	}
}

func TestSchema_TakesWhatIsEncoded(t *testing.T) {
	schema := compile(t, requestSchema)
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		data, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := judge(t, schema, data); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		got, err := purge.Decode(data, "")
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", data, diff)
		}
	})
}

func drawRequest(t *rapid.T) purge.Request {
	seconds := rapid.Int64Range(0, 1<<37) // to the year 6325
	r := purge.Request{
		ID:       rapid.StringMatching(`([A-Za-z0-9-][A-Za-z0-9_-]{0,63})?`).Draw(t, "id"),
		Zone:     rapid.StringMatching(`(zone-[A-Za-z0-9]{1,64})?`).Draw(t, "zone"),
		Type:     rapid.SampledFrom([]purge.Type{purge.URL, purge.Prefix, purge.Host, purge.Tag, purge.All}).Draw(t, "type"),
		Account:  rapid.StringMatching(`[A-Za-z0-9_-]{0,64}`).Draw(t, "account"),
		Time:     time.Unix(seconds.Draw(t, "time"), 0).UTC(),
		Expires:  time.Unix(seconds.Draw(t, "expires"), 5).UTC(),
		Prefetch: rapid.Bool().Draw(t, "prefetch"),
		Labels:   rapid.MapOfN(rapid.StringN(0, 64, 64), rapid.StringN(0, 256, 256), 0, 16).Draw(t, "labels"),
	}
	switch r.Type {
	case purge.Prefix, purge.Host, purge.All:
		r.Method = rapid.SampledFrom([]purge.Method{"", purge.Invalidate, purge.Delete}).Draw(t, "method")
	case purge.Tag:
		r.Hosts = rapid.SliceOfN(rapid.StringMatching(`[a-z][a-z0-9]{0,62}(\.[a-z]{2,9}){0,3}`), 0, 3).Draw(t, "hosts")
	}
	if r.Type != purge.All {
		r.Targets = rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "targets")
	}
	return r
}

// One document for each thing that the schema can refuse.
func TestSchema_RefusesWhatDecodeRefuses(t *testing.T) {
	schema := compile(t, requestSchema)
	for doc, want := range map[string]purge.Reason{
		`[]`:                                  {Code: purge.CodeMalformed},
		`{}`:                                  {Code: purge.CodeMalformed, Field: "targets"},
		`{"targets":[]}`:                      {Code: purge.CodeMalformed, Field: "targets"},
		`{"targets":[1]}`:                     {Code: purge.CodeMalformed, Field: "targets[0]"},
		`{"type":"all","targets":["a"]}`:      {Code: purge.CodeMalformed, Field: "targets"},
		`{"type":"file","targets":["a"]}`:     {Code: purge.CodeMalformed, Field: "type"},
		`{"method":"delete","targets":["a"]}`: {Code: purge.CodeMalformed, Field: "method"},
		`{"type":"tag","method":"invalidate","targets":["a"]}`:                        {Code: purge.CodeMalformed, Field: "method"},
		`{"type":"host","method":"purge","targets":["a"]}`:                            {Code: purge.CodeMalformed, Field: "method"},
		`{"hosts":["a"],"targets":["a"]}`:                                             {Code: purge.CodeMalformed, Field: "hosts"},
		`{"type":"tag","hosts":["*.a"],"targets":["a"]}`:                              {Code: purge.CodeMalformed, Field: "hosts[0]"},
		`{"type":"tag","hosts":` + hosts(purge.MaxHosts+1, "a") + `,"targets":["a"]}`: {Code: purge.CodeTooLarge, Field: "hosts"},
		`{"id":"_a","targets":["a"]}`:                                                 {Code: purge.CodeMalformed, Field: "id"},
		`{"zone":"a","targets":["a"]}`:                                                {Code: purge.CodeMalformed, Field: "zone"},
		`{"account":"a b","targets":["a"]}`:                                           {Code: purge.CodeMalformed, Field: "account"},
		`{"time":"today","targets":["a"]}`:                                            {Code: purge.CodeMalformed, Field: "time"},
		`{"expires":0,"targets":["a"]}`:                                               {Code: purge.CodeMalformed, Field: "expires"},
		`{"prefetch":"no","targets":["a"]}`:                                           {Code: purge.CodeMalformed, Field: "prefetch"},
		`{"labels":{"a":1},"targets":["a"]}`:                                          {Code: purge.CodeMalformed, Field: "labels.a"},
		`{"labels":` + labels(17) + `,"targets":["a"]}`:                               {Code: purge.CodeMalformed, Field: "labels"},
		`{"url":"a","targets":["a"]}`:                                                 {Code: purge.CodeUnknownField, Field: "url"},
		`{"ID":"a","targets":["a"]}`:                                                  {Code: purge.CodeUnknownField, Field: "ID"},
	} {
		if err := judge(t, schema, []byte(doc)); err == nil {
			t.Errorf("%s: got no error of the schema, want one", doc)
		}
		_, err := purge.Decode([]byte(doc), "")
		if got, ok := errors.AsType[*purge.Reason](err); !ok || got.Code != want.Code || got.Field != want.Field {
			t.Errorf("%s: got %v, want %s at %q", doc, err, want.Code, want.Field)
		}
	}
}

func TestSchema_RefusesWhatIsNoEvent(t *testing.T) {
	schema := compile(t, eventSchema)
	good, err := purge.NewEvent("default", partialOutcome(), changed).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := judge(t, schema, good); err != nil {
		t.Fatalf("%s: %v", good, err)
	}
	for _, change := range [][2]string{
		{`"specversion":"1.0"`, `"specversion":"0.3"`},
		{`request.partial.v1`, `request.partial.v2`},
		{`request.partial.v1`, `request.done.v1`},
		{`"status":"partial"`, `"status":"failed"`},
		{`"status":"partial"`, `"status":"done"`},
		{`"attempts":1`, `"attempts":"1"`},
		{`"failures_omitted":0`, `"failures_omitted":{}`},
		{`"requested":"2026-11-22`, `"requested":"2026-22`},
		{`"jobs":["20ga521cpwch"`, `"jobs":[5`},
	} {
		bad := strings.Replace(string(good), change[0], change[1], 1)
		if bad == string(good) {
			t.Errorf("%s: is not in %s", change[0], good)
		}
		if err := judge(t, schema, []byte(bad)); err == nil {
			t.Errorf("%s: got no error of the schema, want one", bad)
		}
		if e, err := purge.DecodeEvent([]byte(bad)); err == nil {
			t.Errorf("%s: got %+v, want an error", bad, e)
		}
	}
}

// CloudEvents' own SDK and the schema take every event that can come.
func TestSchema_EventsAreCloudEvents(t *testing.T) {
	schema := compile(t, eventSchema)
	rapid.Check(t, func(t *rapid.T) {
		outcome := drawOutcome(t)
		instance := rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,31}`).Draw(t, "instance")
		want := purge.NewEvent(instance, outcome, changed)
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := judge(t, schema, data); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		var got event.Event
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if err := got.Validate(); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		for _, attribute := range [][2]string{
			{got.SpecVersion(), want.SpecVersion},
			{got.ID(), want.ID},
			{got.Source(), want.Source},
			{got.Type(), want.Type},
			{got.Subject(), want.Subject},
			{got.DataContentType(), want.DataContentType},
			{got.Time().Format(time.RFC3339Nano), want.Time.Format(time.RFC3339Nano)},
		} {
			if attribute[0] != attribute[1] {
				t.Errorf("got %q, want %q", attribute[0], attribute[1])
			}
		}
		var read purge.Outcome
		if err := got.DataAs(&read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(outcome, read, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
	})
}

func drawOutcome(t *rapid.T) purge.Outcome {
	text := rapid.StringN(1, 40, -1)
	ids := rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`)
	failure := rapid.Custom(func(t *rapid.T) purge.Failure {
		return purge.Failure{Target: text.Draw(t, "target"), Code: text.Draw(t, "code"), Reason: rapid.String().Draw(t, "why")}
	})
	o := purge.Outcome{
		Request: ids.Draw(t, "id"),
		Source:  rapid.OneOf(rapid.StringMatching(`[a-z0-9_-]{1,32}`), rapid.Just("UPPER/case")).Draw(t, "source"),
		Lane:    rapid.SampledFrom([]purge.Lane{purge.Interactive, purge.Bulk, ""}).Draw(t, "lane"),
		Status: rapid.SampledFrom([]purge.Status{
			purge.Completed, purge.Partial, purge.Failed, purge.Rejected, purge.Expired,
		}).Draw(t, "status"),
		Zones:           rapid.SliceOfN(rapid.StringMatching(`zone-[A-Za-z0-9]{1,64}`), 0, 3).Draw(t, "zones"),
		Type:            rapid.SampledFrom([]purge.Type{purge.URL, purge.Prefix, purge.Host, purge.Tag, purge.All, ""}).Draw(t, "type"),
		Targets:         drawCounts(t),
		Failures:        rapid.SliceOfN(failure, 0, 110).Draw(t, "failures"),
		FailuresOmitted: rapid.IntRange(0, 1<<40).Draw(t, "omitted"),
		Jobs:            rapid.SliceOfN(text, 0, 110).Draw(t, "jobs"),
		Attempts:        rapid.IntRange(0, 10).Draw(t, "attempts"),
		Labels:          rapid.MapOfN(rapid.String(), rapid.String(), 0, 16).Draw(t, "labels"),
	}
	if rapid.Bool().Draw(t, "with a reason") {
		o.Reason = &purge.Reason{Code: text.Draw(t, "code"), Message: rapid.String().Draw(t, "message"), Field: "targets[2]"}
	}
	if rapid.Bool().Draw(t, "with the rest") {
		o.Prefetch = new(drawCounts(t))
		o.Digest = purge.RawDigest([]byte(o.Request))
		o.Times = purge.Times{Requested: changed, Received: changed.Add(1), Submitted: expires, Finished: expires.Add(time.Second)}
	}
	o.Bound()
	return o
}

func drawCounts(t *rapid.T) purge.Counts {
	n := rapid.IntRange(0, 1<<40)
	return purge.Counts{Total: n.Draw(t, "total"), Succeeded: n.Draw(t, "succeeded"), Failed: n.Draw(t, "failed")}
}
