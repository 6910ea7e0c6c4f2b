package nasty

import (
	"testing"
)

func TestAll_ReadsSomeHundreds(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 300 {
		t.Errorf("got %d messages, want at least 300", len(all))
	}
}

func TestParse_MakesTheBody(t *testing.T) {
	const end = `,"end":{"status":"completed"}}`
	tests := map[string]struct{ line, subject, body string }{
		"text":    {`{"name":"a","text":"x\u0000"`, "purge.requests.bulk.a", "x\x00"},
		"base64":  {`{"name":"a","base64":"/w=="`, "purge.requests.bulk.a", "\xff"},
		"nothing": {`{"name":"a","lane":"interactive","source":"b"`, "purge.requests.interactive.b", ""},
		"subject": {`{"name":"a","subject":"x.y"`, "x.y", ""},
		"parts": {
			`{"name":"a","parts":[{"text":"["},{"text":"\"#\"","times":3,"between":",","count":true},{"base64":"/w==","times":2},{"text":"#"}]`,
			"purge.requests.bulk.a", `["0","1","2"` + "\xff\xff#",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := parse([]byte(tt.line + end))
			if err != nil || m.Subject != tt.subject || string(m.Body) != tt.body {
				t.Errorf("got %q on %s, %v, want %q on %s", m.Body, m.Subject, err, tt.body, tt.subject)
			}
		})
	}
}

func TestParse_RefusesWhatTellsNoEnd(t *testing.T) {
	for _, line := range []string{
		`{"name":"a"}`, `{"name":"A","end":{"status":"completed"}}`, `{"name":"a","end":{"status":"rejected"}}`,
		`{"name":"a","end":{"refused":true,"joins":true}}`, `{"name":"a","body":"x","end":{"refused":true}}`, `[`,
	} {
		if m, err := parse([]byte(line)); err == nil {
			t.Errorf("%s: got %+v, want an error", line, m)
		}
	}
}
