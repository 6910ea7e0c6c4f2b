package broker

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/internal/record"
)

// FuzzDecodeHandover makes sure that a hand-over is one of this version, or none.
func FuzzDecodeHandover(f *testing.F) {
	f.Add("1", []byte(`{"turn":3,"sends":["2026-11-22T10:00:00Z","2026-11-22T11:00:00.5+01:00"]}`))
	f.Add("1", []byte(`{"turn":18446744073709551615,"sends":null,"more":{}}`))
	f.Add("2", []byte(`{"turn":3}`))
	f.Add("1", []byte(`{"turn":-1}`))
	f.Add("", []byte(`null`))
	f.Add("1", []byte(`{"stream":"PURGE_REQUESTS","seq":6}`))
	f.Fuzz(func(t *testing.T, version string, data []byte) {
		header := nats.Header{versionHeader: []string{version}}
		h, err := decodeHandover(header, data)
		if version != strconv.Itoa(record.Version) && !errors.Is(err, record.ErrVersion) {
			t.Fatalf("version %q: got %v, want %v", version, err, record.ErrVersion)
		}
		if err != nil {
			if h.Turn != 0 || h.Sends != nil {
				t.Errorf("got %v beside the error %v", h, err)
			}
			return
		}
		stored, err := json.Marshal(h)
		if err != nil {
			t.Skip("a time that package time reads and does not write, which no leader leaves")
		}
		again, err := decodeHandover(header, stored)
		if err != nil || again.Turn != h.Turn || !slices.EqualFunc(again.Sends, h.Sends, time.Time.Equal) {
			t.Errorf("got %v, then %v, %v", h, again, err)
		}
	})
}
