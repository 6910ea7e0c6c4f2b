package ledger_test

import (
	"encoding/json"
	"maps"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/record"
)

// FuzzAlone puts any bytes in the place of the note of what is handled alone: what can be read is
// counted on, and what can't is left as it is.
func FuzzAlone(f *testing.F) {
	for _, note := range []string{
		``, `null`, `{}`, `{"v":1,"times":{"bulk 7 9":3,"":1}}`, `{"v":99,"times":{"bulk 7 9":3}}`, `{"v":99,"times":[]}`,
		`{"v":1,"times":{"bulk 7 9":1e99}}`, `{"v":1,"times":null}`, `{"v":1,"request":{"s":"ghost","i":"a","n":1},"states":"AA=="}`, "\xff",
	} {
		f.Add([]byte(note), "bulk 7 9")
	}
	key := record.Key{Source: "!", ID: "!"}
	f.Fuzz(func(t *testing.T, note []byte, name string) {
		if !utf8.ValidString(name) {
			t.Skip("no name that the worker makes")
		}
		store := newMemory()
		if stored, err := store.progress.Put(t.Context(), key, note, record.Place{}, false); !stored || err != nil {
			t.Fatal(stored, err)
		}
		before, readable := timesOf(note)
		got, err := newLedger(store).Quarantine().BeginAlone(t.Context(), name)
		if want := before[name] + 1; err != nil || got != want {
			t.Fatalf("got %d, %v, want %d", got, err, want)
		}
		now, _, _ := store.progress.Get(t.Context(), key)
		if !readable {
			if string(now) != string(note) {
				t.Errorf("got %q, want %q left alone", now, note)
			}
			return
		}
		want := maps.Clone(before)
		want[name] = got
		if times, ok := timesOf(now); !ok || !maps.Equal(times, want) {
			t.Errorf("begun, got %v, want %v", times, want)
		}
		delete(want, name)
		if err := newLedger(store).Quarantine().EndAlone(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		left, err := newLedger(store).Quarantine().Alone(t.Context())
		if diff := cmp.Diff(want, left); diff != "" || err != nil {
			t.Errorf("ended, got %v (-want +got):\n%s", err, diff)
		}
	})
}

// timesOf reads a note as this version does; false for one that it leaves alone.
func timesOf(note []byte) (map[string]int, bool) {
	var read struct {
		Version int            `json:"v"`
		Times   map[string]int `json:"times"`
	}
	if err := json.Unmarshal(note, &read); err != nil || read.Version > record.Version {
		return map[string]int{}, false
	}
	if read.Times == nil {
		read.Times = map[string]int{}
	}
	return read.Times, true
}
