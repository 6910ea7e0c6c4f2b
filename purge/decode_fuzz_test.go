package purge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/purge"
)

// FuzzDecode compares Decode with a slow model on encoding/json, and makes sure that whatever is accepted survives a
// round trip, and whatever is refused leaves an id that can be told.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		`{"id":"post-4711-r3","zone":"zone-3fkff38fyw8s","type":"url","targets":["https://www.example.com/blog/hello/"],` +
			`"account":"main","time":"2026-11-22T10:00:00.5+01:00","expires":"2026-11-22T11:00:00Z","prefetch":true}`,
		`{"type":"purge_cache_tag","targets":["a","\u00e9\ud83d"],"hosts":["H"],"labels":{"a":"b","\u0061":"","c":null}}`,
		`{"type":"all","method":"delete","targets":null,"x":-0.5e+3}`,
		`{"specversion":"1.0","id":"ce-1","source":"s","type":"t","x":{"y":[{}]},"data":{"targets":["a"]},"time":0}`,
		`{"data":{"id":"a"},"data":{"type":"host","targets":[]},"data_base64":"","specversion":"1.0"}`,
		` [null,true,"\"",{"a":[1,2,{}]}] `,
	} {
		f.Add([]byte(body), "")
	}
	f.Add([]byte(`{"data":{"targets":["a"]},"specversion":"1.0"}`), "Application/CloudEvents+JSON; charset=utf-8")
	for _, m := range nastyMessages(f) {
		if len(m.Body) < 1<<10 {
			f.Add(m.Body, m.Headers["Content-Type"])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		got, err := purge.Decode(data, contentType)
		if got.ID != "" && !purge.ValidID(got.ID) {
			t.Errorf("got id %q, which is not valid", got.ID)
		}
		if got.Zone != "" && !purge.ValidZone(got.Zone) {
			t.Errorf("got zone %q, which is not valid", got.Zone)
		}
		if reason, ok := errors.AsType[*purge.Reason](err); err != nil && (!ok || reason.Message == "" || len(reason.Error()) > 1000) {
			t.Errorf("got error %#v, want a reason with a short message", err)
		}
		if body, err := got.Encode(); err != nil || len(body) > 6*len(data)+100 {
			t.Errorf("read %d bytes as %d, %v", len(data), len(body), err)
		}
		if contentType == "" {
			want, ok := slowDecode(data)
			if ok != (err == nil) {
				t.Errorf("got error %v, the model accepts: %t", err, ok)
			}
			if diff := cmp.Diff(want, got); ok && diff != "" {
				t.Errorf("request (-model +got):\n%s", diff)
			}
		}
		if err == nil {
			checkRoundTrip(t, got)
		}
	})
}

func checkRoundTrip(t *testing.T, r purge.Request) {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := purge.Decode(data, "application/json")
	if err != nil {
		t.Fatalf("%s: got %v the second time", data, err)
	}
	r.CloudEvent = nil // not a field of the message
	if diff := cmp.Diff(r, again); diff != "" {
		t.Errorf("request (-first +second):\n%s", diff)
	}
	if r.Digest() != again.Digest() {
		t.Errorf("got digest %s, then %s", r.Digest(), again.Digest())
	}
}

type member struct {
	name  string
	value json.RawMessage
}

// slowDecode is Decode without a content type, but only tells whether there is an error.
func slowDecode(data []byte) (purge.Request, bool) {
	top, ok := membersOf(data)
	if !ok || !utf8.Valid(data) {
		return purge.Request{}, false
	}
	for _, m := range top {
		if m.name == "specversion" {
			return slowEnvelope(top)
		}
	}
	return slowRequest(top)
}

func membersOf(data []byte) (list []member, ok bool) {
	if !json.Valid(data) || bytes.TrimSpace(data)[0] != '{' {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	_, err := dec.Token()
	for err == nil && dec.More() {
		var name json.Token
		var value json.RawMessage
		if name, err = dec.Token(); err == nil {
			err = dec.Decode(&value)
			list = append(list, member{name.(string), value})
		}
	}
	return list, err == nil
}

func slowEnvelope(top []member) (r purge.Request, ok bool) {
	var version, id, source string
	good, found := !anyTwice(top), false
	for _, m := range top {
		switch m.name {
		case "specversion":
			good = readText(m.value, &version) && good
		case "id":
			id = ""
			_ = readText(m.value, &id)
		case "source":
			_ = readText(m.value, &source)
		case "data":
			inner, isObject := membersOf(m.value)
			r, ok = slowRequest(inner)
			good, found = good && ok && isObject, true
		case "data_base64":
			good = false
		}
	}
	if id != "" {
		r.CloudEvent = &purge.CloudEvent{Source: source, ID: id}
	}
	return r, good && found && version == "1.0"
}

func anyTwice(list []member) bool {
	seen := make(map[string]bool)
	for _, m := range list {
		seen[m.name] = true
	}
	return len(seen) < len(list)
}

func slowRequest(fields []member) (purge.Request, bool) {
	r := purge.Request{}
	ok := !anyTwice(fields)
	for _, m := range fields {
		ok = slowField(&r, m) && ok
	}
	switch r.Type {
	case "", "purge_url":
		r.Type = purge.URL
	case "purge_prefix", "purge_host", "purge_all":
		r.Type = r.Type[len("purge_"):]
	case "purge_cache_tag":
		r.Type = purge.Tag
	}
	return r, ok && slowCheck(r)
}

func slowField(r *purge.Request, m member) bool {
	switch m.name {
	case "id":
		return readText(m.value, &r.ID)
	case "zone":
		return readText(m.value, &r.Zone)
	case "type":
		return readText(m.value, &r.Type) && knownTypes.MatchString(string(r.Type))
	case "method":
		return readText(m.value, &r.Method) && knownMethods.MatchString(string(r.Method))
	case "account":
		return readText(m.value, &r.Account)
	case "targets":
		return readTexts(m.value, &r.Targets)
	case "hosts":
		return readTexts(m.value, &r.Hosts)
	case "time":
		return readTime(m.value, &r.Time)
	case "expires":
		return readTime(m.value, &r.Expires)
	case "prefetch":
		r.Prefetch = false
		return json.Unmarshal(m.value, &r.Prefetch) == nil
	case "labels":
		return readLabels(m.value, &r.Labels)
	}
	return false
}

func readText[S ~string](value json.RawMessage, text *S) bool {
	*text = ""
	return json.Unmarshal(value, text) == nil
}

func readTexts(value json.RawMessage, texts *[]string) bool {
	*texts = nil
	var list []*string
	err := json.Unmarshal(value, &list)
	for _, text := range list {
		if text == nil {
			return false
		}
		*texts = append(*texts, *text)
	}
	return err == nil
}

func readTime(value json.RawMessage, at *time.Time) bool {
	*at = time.Time{}
	if string(value) == "null" {
		return true
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return false
	}
	err := at.UnmarshalText([]byte(text))
	*at = at.UTC()
	_, unwritable := at.MarshalText()
	if err == nil && at.IsZero() { // the zero value means absent
		*at = at.Add(1)
	}
	return err == nil && unwritable == nil && !at.Before(time.Time{}) && timeForm.MatchString(text)
}

func readLabels(value json.RawMessage, labels *map[string]string) bool {
	*labels = nil
	if string(value) == "null" {
		return true
	}
	pairs, ok := membersOf(value)
	for _, pair := range pairs {
		var text *string
		if json.Unmarshal(pair.value, &text) != nil || text == nil || len(pair.name) > 64 || len(*text) > 256 {
			return false
		}
		if *labels == nil {
			*labels = map[string]string{}
		}
		(*labels)[pair.name] = *text
	}
	return ok && len(*labels) <= 16 && !anyTwice(pairs)
}

var (
	knownTypes   = regexp.MustCompile(`^((purge_)?(url|prefix|host|all)|tag|purge_cache_tag)?$`)
	knownMethods = regexp.MustCompile(`^(invalidate|delete)?$`)
	idForm       = regexp.MustCompile(`^([A-Za-z0-9-][A-Za-z0-9_-]{0,63})?$`)
	accountForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)
	timeForm     = regexp.MustCompile(`^....-..-..T..:..:..([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)
	zoneForm     = regexp.MustCompile(`^(zone-[A-Za-z0-9]{1,64})?$`)
)

func slowCheck(r purge.Request) bool {
	for _, host := range r.Hosts {
		if _, err := purge.Canonical(purge.Host, host); err != nil {
			return false
		}
	}
	return idForm.MatchString(r.ID) && accountForm.MatchString(r.Account) && zoneForm.MatchString(r.Zone) &&
		(r.Method == "" || r.Type != purge.URL && r.Type != purge.Tag) &&
		(len(r.Hosts) == 0 || r.Type == purge.Tag) && len(r.Hosts) <= purge.MaxHosts &&
		(len(r.Targets) == 0) == (r.Type == purge.All)
}
