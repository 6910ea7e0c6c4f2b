package record_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestEcho_IsTheSameForSpellingsOfATarget(t *testing.T) {
	for _, tt := range []struct{ a, b string }{
		{"https://www.example.com/caf%c3%a9", "https://www.example.com/caf%C3%A9"},
		{"https://www.example.com/café", "https://www.example.com/caf%C3%A9"},
		{"https://www.example.com/%7Eme/%41", "https://www.example.com/~me/A"},
		{"HTTPS://WWW.example.com:443/a%2fb", "https://www.example.com/a%2Fb"},
		{"https://www.example.com/100%", "https://www.example.com/100%"},
		{"https://www.example.com/%zz%4", "https://www.example.com/%zz%4"},
	} {
		if a, b := record.Echo(purge.URL, tt.a), record.Echo(purge.URL, tt.b); a != b {
			t.Errorf("got %s and %s, want one form", a, b)
		}
	}
	for _, tt := range []struct {
		typ  purge.Type
		a, b string
	}{
		{purge.URL, "https://www.example.com/a%2Fb", "https://www.example.com/a/b"},
		{purge.URL, "https://www.example.com/A", "https://www.example.com/a"},
		{purge.Tag, "%41", "A"},
	} {
		if a, b := record.Echo(tt.typ, tt.a), record.Echo(tt.typ, tt.b); a == b {
			t.Errorf("%s and %s are both %s, want them told apart", tt.a, tt.b, a)
		}
	}
}

func TestEcho_IsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once := record.Echo(purge.URL, "https://www.example.com/"+rapid.String().Draw(t, "path"))
		if twice := record.Echo(purge.URL, once); twice != once {
			t.Errorf("got %q of %q", twice, once)
		}
	})
}
