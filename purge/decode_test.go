package purge_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/purge"
)

const page = "https://www.example.com/blog/hello/"

var (
	changed = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	expires = time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
)

func TestDecode_SaysWhereItIsNoJSON(t *testing.T) {
	for body, want := range map[string]string{
		`{"targets":[`:        "the message is not JSON: it ends too early, after 12 bytes",
		`{"targets":["a"]} x`: "the message is not JSON: the fault is at byte 19",
		`nope`:                "the message is not JSON: the fault is at byte 2",
		``:                    "the message is not JSON: it ends too early, after 0 bytes",
	} {
		if _, err := purge.Decode([]byte(body), ""); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", body, err, want)
		}
	}
}

func TestDecode_ReadsRequests(t *testing.T) {
	full := purge.Request{
		ID: "post-4711-r3", Zone: "zone-3fkff38fyw8s", Type: purge.Tag,
		Targets: []string{"post-4711"}, Hosts: []string{"www.example.com"}, Account: "main",
		Time: changed, Expires: expires, Prefetch: true, Labels: map[string]string{"post": "4711"},
	}
	enveloped := full
	enveloped.CloudEvent = &purge.CloudEvent{Source: "/cms", ID: "other"}
	tests := map[string]struct {
		body, contentType string
		want              purge.Request
	}{
		"least": {body: `{"targets":["a"]}`, want: purge.Request{Type: purge.URL, Targets: []string{"a"}}},
		"every field": {
			body: `{"id":"post-4711-r3","zone":"zone-3fkff38fyw8s","type":"tag","targets":["post-4711"],
				"hosts":["www.example.com"],"account":"main","time":"2026-11-22T10:00:00Z",
				"expires":"2026-11-22T12:00:00+01:00","prefetch":true,"labels":{"post":"4711"}}`,
			want: full,
		},
		"every field in CloudEvents": {
			body: `{"specversion":"1.0","id":"other","source":"/cms","type":"post.updated","time":"2020-01-01T00:00:00Z",
				"ext":[{"a":[1e3,null]}],"data":{"id":"post-4711-r3","zone":"zone-3fkff38fyw8s","type":"purge_cache_tag",
				"targets":["post-4711"],"hosts":["www.example.com"],"account":"main","time":"2026-11-22T10:00:00Z",
				"expires":"2026-11-22T11:00:00.000Z","prefetch":true,"labels":{"post":"4711"}}}`,
			want: enveloped,
		},
		"escapes": {
			body: `{"targets":["https:\/\/h\/\u00e9\ud83d\ude00"],"\u0069d":"a\u002d1"}`,
			want: purge.Request{ID: "a-1", Type: purge.URL, Targets: []string{"https://h/é😀"}},
		},
		"quotes in strings": {
			body: `{"targets":["a\"]","\\"],"labels":{"\"}":"\\\""}}`,
			want: purge.Request{
				Type: purge.URL, Targets: []string{`a"]`, `\`}, Labels: map[string]string{`"}`: `\"`},
			},
		},
		"quotes in what is ignored": {
			body: `{"specversion":"1.0","x":"\"}","y":["\"]\\"],"data":{"targets":["a"]}}`,
			want: purge.Request{Type: purge.URL, Targets: []string{"a"}},
		},
		"white space": {
			body: "\r\n\t { \"targets\" : [ \"a\" , \"b\" ] , \"prefetch\" : false } \n",
			want: purge.Request{Type: purge.URL, Targets: []string{"a", "b"}},
		},
		"null is absent": {
			body: `{"id":null,"zone":null,"type":null,"method":null,"hosts":null,"account":null,"time":null,"expires":null,
				"prefetch":null,"labels":null,"targets":["a"]}`,
			want: purge.Request{Type: purge.URL, Targets: []string{"a"}},
		},
		"empty is absent": {
			body: `{"id":"","zone":"","type":"","method":"","hosts":[],"account":"","labels":{},"targets":["a"]}`,
			want: purge.Request{Type: purge.URL, Targets: []string{"a"}},
		},
		"the zero time is not absent": {
			body: `{"time":"0001-01-01T00:00:00Z","expires":"0001-01-01T00:00:00.000Z","targets":["a"]}`,
			want: purge.Request{
				Type: purge.URL, Targets: []string{"a"}, Time: time.Time{}.Add(time.Nanosecond), Expires: time.Time{}.Add(time.Nanosecond),
			},
		},
		"all": {body: `{"type":"all","method":"delete"}`, want: purge.Request{Type: purge.All, Method: purge.Delete}},
		"bad targets are for Canonical": {
			body: `{"targets":["","ftp://x"]}`, want: purge.Request{Type: purge.URL, Targets: []string{"", "ftp://x"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := purge.Decode([]byte(tt.body), tt.contentType)
			if err != nil {
				t.Fatalf("got error %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode_TakesTypesAndMethods(t *testing.T) {
	types := map[string]purge.Type{
		"url": purge.URL, "prefix": purge.Prefix, "host": purge.Host, "tag": purge.Tag,
		"purge_url": purge.URL, "purge_prefix": purge.Prefix, "purge_host": purge.Host, "purge_cache_tag": purge.Tag,
	}
	for name, want := range types {
		got, err := purge.Decode(fmt.Appendf(nil, `{"type":%q,"targets":["a"]}`, name), "")
		if err != nil || got.Type != want {
			t.Errorf("type %s: got %v, %v, want %v", name, got.Type, err, want)
		}
	}
	for _, name := range []string{"all", "purge_all"} {
		got, err := purge.Decode(fmt.Appendf(nil, `{"type":%q,"targets":[]}`, name), "")
		if err != nil || got.Type != purge.All {
			t.Errorf("type %s: got %v, %v, want %v", name, got.Type, err, purge.All)
		}
	}
	for _, method := range []purge.Method{purge.Invalidate, purge.Delete} {
		for _, kind := range []purge.Type{purge.Prefix, purge.Host} {
			got, err := purge.Decode(fmt.Appendf(nil, `{"type":%q,"method":%q,"targets":["a"]}`, kind, method), "")
			if err != nil || got.Method != method {
				t.Errorf("type %s: got method %q, %v, want %q", kind, got.Method, err, method)
			}
		}
	}
}

func TestDecode_TellsCloudEvents(t *testing.T) {
	const (
		inside   = `{"specversion":"1.0","id":"ce-1","source":"/x","data":{"targets":["a"]}}`
		atTheEnd = `{"id":"ce-1","data":{"targets":["a"]},"source":"/x","specversion":"1.0"}`
	)
	for _, body := range []string{inside, atTheEnd} {
		for _, contentType := range []string{
			"", "application/json", "application/cloudevents+json",
			" Application/CloudEvents+JSON ; charset=utf-8; x=\"y;z\"",
		} {
			got, err := purge.Decode([]byte(body), contentType)
			want := purge.Request{
				Type: purge.URL, Targets: []string{"a"}, CloudEvent: &purge.CloudEvent{Source: "/x", ID: "ce-1"},
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("content type %q, %s: error %v, request (-want +got):\n%s", contentType, body, err, diff)
			}
		}
	}
	for _, body := range []string{`{"targets":["a"]}`, `[]`, `null`} {
		if r, err := purge.Decode([]byte(body), "application/cloudevents+json"); err == nil {
			t.Errorf("%s passed as a CloudEvents message: %+v", body, r)
		}
	}
}

func TestDecode_NamesWhatIsWrong(t *testing.T) {
	tests := []struct{ name, body, code, field string }{
		{"empty", ``, "Malformed", ""},
		{"null", `null`, "Malformed", ""},
		{"array", `[{"targets":["a"]}]`, "Malformed", ""},
		{"number", `4`, "Malformed", ""},
		{"truncated", `{"targets":["a"]`, "Malformed", ""},
		{"trailing data", `{"targets":["a"]} {}`, "Malformed", ""},
		{"trailing NUL", "{\"targets\":[\"a\"]}\x00", "Malformed", ""},
		{"trailing comma", `{"targets":["a",]}`, "Malformed", ""},
		{"no colon", `{"targets" ["a"]}`, "Malformed", ""},
		{"name without quotes", `{targets:["a"]}`, "Malformed", ""},
		{"raw line break", "{\"targets\":[\"a\n\"]}", "Malformed", ""},
		{"bad escape", `{"targets":["\x"]}`, "Malformed", ""},
		{"bad literal", `{"prefetch":nul,"targets":["a"]}`, "Malformed", ""},
		{"not UTF-8", "{\"targets\":[\"\xff\"]}", "Malformed", ""},
		{"byte order mark", "\ufeff{\"targets\":[\"a\"]}", "Malformed", ""},
		{"broken before unknown", `{"urls":[}`, "Malformed", ""},
		{"unknown", `{"urls":["a"],"targets":["a"]}`, "UnknownField", "urls"},
		{"other case", `{"ID":"a","targets":["a"]}`, "UnknownField", "ID"},
		{"unknown and deep", `{"x":[[{"y":[null,1.5e-3]}]],"targets":["a"]}`, "UnknownField", "x"},
		{"id of another kind", `{"id":7,"targets":["a"]}`, "Malformed", "id"},
		{"id with a dot", `{"id":"a.b","targets":["a"]}`, "Malformed", "id"},
		{"id like ours", `{"id":"_a","targets":["a"]}`, "Malformed", "id"},
		{"zone", `{"zone":"example.com","targets":["a"]}`, "Malformed", "zone"},
		{"type", `{"type":"URL","targets":["a"]}`, "Malformed", "type"},
		{"type of another kind", `{"type":1,"targets":["a"]}`, "Malformed", "type"},
		{"method", `{"type":"host","method":"soft","targets":["a"]}`, "Malformed", "method"},
		{"method of another kind", `{"type":"host","method":{},"targets":["a"]}`, "Malformed", "method"},
		{"method for url", `{"method":"delete","targets":["a"]}`, "Malformed", "method"},
		{"method for tag", `{"type":"tag","method":"invalidate","targets":["a"]}`, "Malformed", "method"},
		{"hosts for url", `{"hosts":["h"],"targets":["a"]}`, "Malformed", "hosts"},
		{"host with a port", `{"type":"tag","hosts":["h","h:80"],"targets":["a"]}`, "Malformed", "hosts[1]"},
		{"host of another kind", `{"type":"tag","hosts":[null],"targets":["a"]}`, "Malformed", "hosts[0]"},
		{"no targets", `{}`, "Malformed", "targets"},
		{"empty targets", `{"type":"tag","targets":[]}`, "Malformed", "targets"},
		{"one target, no list", `{"targets":"https://h/"}`, "Malformed", "targets"},
		{"target of another kind", `{"targets":["a",["b"]]}`, "Malformed", "targets[1]"},
		{"targets for all", `{"type":"all","targets":["a"]}`, "Malformed", "targets"},
		{"account", `{"account":"a b","targets":["a"]}`, "Malformed", "account"},
		{"time", `{"time":"yesterday","targets":["a"]}`, "Malformed", "time"},
		{"time of another kind", `{"time":1795341600,"targets":["a"]}`, "Malformed", "time"},
		{"time without zone", `{"expires":"2026-11-22T10:00:00","targets":["a"]}`, "Malformed", "expires"},
		{"time before year one", `{"expires":"0001-01-01T00:00:00+01:00","targets":["a"]}`, "Malformed", "expires"},
		{"time with an hour of one digit", `{"time":"2026-11-22T1:00:00Z","targets":["a"]}`, "Malformed", "time"},
		{"time with a comma", `{"time":"2026-11-22T10:00:00,5Z","targets":["a"]}`, "Malformed", "time"},
		{"time a day off", `{"time":"2026-11-22T10:00:00+24:00","targets":["a"]}`, "Malformed", "time"},
		{"time off by 60 minutes", `{"time":"2026-11-22T10:00:00-01:60","targets":["a"]}`, "Malformed", "time"},
		{"prefetch", `{"prefetch":"yes","targets":["a"]}`, "Malformed", "prefetch"},
		{"labels of another kind", `{"labels":["a"],"targets":["a"]}`, "Malformed", "labels"},
		{"label of another kind", `{"labels":{"post":4711},"targets":["a"]}`, "Malformed", "labels.post"},
		{"no CloudEvents version", `{"specversion":null,"data":{"targets":["a"]}}`, "Malformed", "specversion"},
		{"other CloudEvents version", `{"data":{"targets":["a"]},"specversion":"0.3"}`, "Malformed", "specversion"},
		{"no data", `{"specversion":"1.0","targets":["a"]}`, "Malformed", "data"},
		{"data is null", `{"specversion":"1.0","data":null}`, "Malformed", "data"},
		{"data is text", `{"specversion":"1.0","data":"{}"}`, "Malformed", "data"},
		{"data in base64", `{"specversion":"1.0","data_base64":"e30="}`, "Malformed", "data_base64"},
		{"bad id beside that of the envelope", `{"specversion":"1.0","id":"ce-1","data":{"id":"a.b","targets":["a"]}}`, "Malformed", "id"},
		{"envelope in an envelope", `{"specversion":"1.0","data":{"specversion":"1.0"}}`, "UnknownField", "specversion"},
		{"targets twice", `{"targets":["a"],"targets":["a"]}`, "Malformed", "targets"},
		{"type twice, once escaped", `{"type":"url","\u0074ype":"url","targets":["a"]}`, "Malformed", "type"},
		{"null twice", `{"zone":null,"zone":null,"targets":["a"]}`, "Malformed", "zone"},
		{"label twice", `{"labels":{"a":"1","\u0061":"2"},"targets":["a"]}`, "Malformed", "labels.a"},
		{"attribute twice", `{"specversion":"1.0","x":1,"x":2,"data":{"targets":["a"]}}`, "Malformed", "x"},
		{"data twice", `{"specversion":"1.0","data":{"targets":["a"]},"data":{"targets":["a"]}}`, "Malformed", "data"},
		{"field twice in data", `{"specversion":"1.0","data":{"id":"a","id":"a","targets":["a"]}}`, "Malformed", "id"},
		{"CloudEvents version twice", `{"specversion":"1.0","specversion":"1.0","data":{"targets":["a"]}}`, "Malformed", "specversion"},
		{"broken extension", `{"specversion":"1.0","data":{"targets":["a"]},"x":[}]}`, "Malformed", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := purge.Decode([]byte(tt.body), "")
			reason, ok := errors.AsType[*purge.Reason](err)
			if !ok || reason.Code != tt.code || reason.Field != tt.field || reason.Message == "" {
				t.Errorf("got %#v, want code %s, field %q and a message", err, tt.code, tt.field)
			}
		})
	}
}

func TestDecode_KeepsWhatItCouldRead(t *testing.T) {
	tests := map[string]struct {
		body string
		want purge.Request
	}{
		"id after an unknown field": {
			`{"bogus":{},"id":"a1","targets":["a"]}`,
			purge.Request{ID: "a1", Type: purge.URL, Targets: []string{"a"}},
		},
		"id before the break": {`{"id":"a1","type":"tag","targets":["a","b`, purge.Request{
			ID: "a1", Type: purge.Tag, Targets: []string{"a"},
		}},
		"id beside what is not UTF-8": {"{\"account\":\"\xff\",\"id\":\"a1\"}", purge.Request{ID: "a1"}},
		"id of the envelope": {
			`{"specversion":"1.0","id":"ce-1","data":{"id":"no id"}}`,
			purge.Request{Type: purge.URL, CloudEvent: &purge.CloudEvent{ID: "ce-1"}},
		},
		"id of the data": {
			`{"specversion":"1.0","id":"ce-1","source":"/x","data":{"id":"a1","x":1}}`,
			purge.Request{ID: "a1", Type: purge.URL, CloudEvent: &purge.CloudEvent{Source: "/x", ID: "ce-1"}},
		},
		"id of data that breaks off": {`{"specversion":"1.0","data":{"id":"a1","targets":[`, purge.Request{ID: "a1"}},
		"unfit id of the envelope": {
			`{"specversion":"1.0","id":"a b","data":{}}`,
			purge.Request{Type: purge.URL, CloudEvent: &purge.CloudEvent{ID: "a b"}},
		},
		"the last of two ids": {`{"id":"a1","id":"a2","targets":["a"]}`, purge.Request{
			ID: "a2", Type: purge.URL, Targets: []string{"a"},
		}},
		"nothing that is not valid": {
			`{"id":"_x","zone":"x","type":"x","method":"x","account":"?","labels":{"a":1,"b":"c"}}`,
			purge.Request{Labels: map[string]string{"b": "c"}},
		},
		"nothing": {`garbage`, purge.Request{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := purge.Decode([]byte(tt.body), "")
			if err == nil {
				t.Error("got no error")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode_LimitsLabels(t *testing.T) {
	labels := func(n, key, value int) string {
		pairs := make([]string, n)
		for i := range pairs {
			pairs[i] = fmt.Sprintf(`"%0*d":"%s"`, key, i, strings.Repeat("v", value))
		}
		return `{"targets":["a"],"labels":{` + strings.Join(pairs, ",") + `}}`
	}
	tests := map[string]struct {
		body string
		ok   bool
		kept int
	}{
		"at the limits":  {labels(16, 64, 256), true, 16},
		"one more":       {labels(17, 2, 1), false, 16},
		"longer key":     {labels(1, 65, 1), false, 0},
		"longer value":   {labels(1, 1, 257), false, 0},
		"the same twice": {strings.Replace(labels(16, 2, 1), `}}`, `,"00":"w"}}`, 1), false, 16},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := purge.Decode([]byte(tt.body), "")
			if (err == nil) != tt.ok || len(r.Labels) != tt.kept {
				t.Errorf("got %d labels and %v, want %d, valid: %t", len(r.Labels), err, tt.kept, tt.ok)
			}
		})
	}
}

func TestDecode_LimitsItsMessages(t *testing.T) {
	long := "x" + strings.Repeat("é", 100_000)
	for _, body := range []string{
		`{"` + long + `":1}`, `{"labels":{"` + long + `":1}}`, `{"type":"` + long + `"}`, `{"id":"` + long + `"}`,
	} {
		r, err := purge.Decode([]byte(body), "")
		if err == nil || len(err.Error()) > 1000 || strings.Contains(err.Error(), `\x`) {
			t.Errorf("got %.2000v, want an error of at most 1000 bytes, in whole characters", err)
		}
		if data, err := r.Encode(); err != nil || len(data) > 1000 {
			t.Errorf("got a request of %d bytes, %v, want at most 1000", len(data), err)
		}
	}
}

func TestDecode_BearsDepth(t *testing.T) {
	deep := strings.Repeat(`[{"a":`, 200_000)
	for _, body := range []string{
		deep, `{"targets":` + deep, `{"id":"a1","x":` + deep, `{"specversion":"1.0","id":"a1","data":` + deep,
	} {
		if _, err := purge.Decode([]byte(body), ""); err == nil {
			t.Errorf("%.40s…: got no error", body)
		}
	}
}
