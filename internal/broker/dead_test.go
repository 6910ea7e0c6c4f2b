package broker_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/record"
)

func letter(sequence uint64, stored time.Time) record.DeadLetter {
	return record.DeadLetter{
		Key: record.Key{Source: "ghost", ID: "a"}, Code: "InvalidTarget", Message: "the host is missing (targets[2])",
		Subject: "purge.requests.bulk.ghost", ContentType: "application/json", Data: []byte("\x00not json\r\n\xff"),
		Sequence: sequence, Stored: stored,
	}
}

func TestPutDead_KeepsTheRequestAndTheReason(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	if err := b.Dead.Put(t.Context(), []record.DeadLetter{letter(7, time.Now())})[0]; err != nil {
		t.Fatalf("store: %v", err)
	}
	got := messages(t, client(t, s), "PURGE_DEAD", ">")
	if len(got) != 1 || got[0].Subject != "purge.dead.invalid-target.ghost" {
		t.Fatalf("got %v, want one under purge.dead.invalid-target.ghost", got)
	}
	if want := "\x00not json\r\n\xff"; string(got[0].Data) != want {
		t.Errorf("got %q, want the original bytes %q", got[0].Data, want)
	}
	for name, want := range map[string]string{
		"Edgepurge-Subject": "purge.requests.bulk.ghost", "Edgepurge-Request": "ghost/a",
		"Edgepurge-Code": "InvalidTarget", "Edgepurge-Message": "the host is missing (targets[2])",
		"Content-Type": "application/json",
	} {
		if got := got[0].Header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestPutDead_StoresARepeatOnce(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	now := time.Now()
	letters := []record.DeadLetter{
		letter(7, now), letter(8, now), letter(7, now.Add(time.Second)), // of a stream made anew
	}
	for range 2 {
		for i, err := range b.Dead.Put(t.Context(), letters) {
			if err != nil {
				t.Errorf("letter %d: %v", i, err)
			}
		}
	}
	if got := stored(t, client(t, s), "PURGE_DEAD"); got != len(letters) {
		t.Errorf("got %d letters, want %d", got, len(letters))
	}
}

// What a producer wrote, or EdgeOne, stays within its header.
func TestPutDead_ForgesNoHeader(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	const forged = "x\r\nNats-Rollup: all\r\nEdgepurge-Code: Forged\r\n\r\nbody"
	hostile := []string{forged, "\n" + forged, "\x00\x01\x7f", "中文 é 🎉", strings.Repeat("中", 4000), "\xff\xfe", " ", ""}
	for i, text := range hostile {
		d := letter(uint64(i+1), time.Now())
		d.Code, d.Message, d.ContentType, d.Key.ID, d.Subject = text, text, text, text, text
		if err := b.Dead.Put(t.Context(), []record.DeadLetter{d})[0]; err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	got := messages(t, client(t, s), "PURGE_DEAD", ">")
	if len(got) != len(hostile) {
		t.Fatalf("got %d letters, want %d", len(got), len(hostile))
	}
	names := []string{
		"Content-Type", "Edgepurge-Code", "Edgepurge-Message", "Edgepurge-Request", "Edgepurge-Subject", "Nats-Msg-Id",
	}
	for i, m := range got {
		have := slices.Sorted(maps.Keys(m.Header))
		if hostile[i] == "" {
			have = append([]string{"Content-Type"}, have...) // there is none to tell
		}
		if diff := cmp.Diff(names, have); diff != "" {
			t.Errorf("%.20q: headers (-want +got):\n%s", hostile[i], diff)
		}
		for name, values := range m.Header {
			limit := 512
			if name == "Edgepurge-Subject" || name == "Edgepurge-Request" {
				limit = 8192
			}
			if len(values) != 1 || len(values[0]) > limit || !utf8.ValidString(values[0]) {
				t.Errorf("%.20q: %s is %q, want one short text", hostile[i], name, values)
			}
		}
		if want := letter(1, time.Now()).Data; string(m.Data) != string(want) {
			t.Errorf("%.20q: got body %q, want %q", hostile[i], m.Data, want)
		}
	}
	if got := got[3].Header.Get("Edgepurge-Message"); got != hostile[3] {
		t.Errorf("got %q, want %q as it is", got, hostile[3])
	}
}

// The longest subject that a server takes, by default, and the request that it makes are told
// whole.
func TestPutDead_TellsALongSubjectWhole(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	d := letter(1, time.Now())
	d.Key.Source = strings.Repeat("s", 4000)
	d.Subject = "purge.requests.bulk." + d.Key.Source
	if err := b.Dead.Put(t.Context(), []record.DeadLetter{d})[0]; err != nil {
		t.Fatalf("store: %v", err)
	}
	h := messages(t, client(t, s), "PURGE_DEAD", ">")[0].Header
	if h.Get("Edgepurge-Subject") != d.Subject || h.Get("Edgepurge-Request") != d.Key.String() {
		t.Errorf("got subject %.50s… of %d bytes, request …%s", h.Get("Edgepurge-Subject"), len(h.Get("Edgepurge-Subject")),
			h.Get("Edgepurge-Request")[len(h.Get("Edgepurge-Request"))-5:])
	}
}

// The largest request that the stream takes fits into a dead letter.
func TestPutDead_TakesTheLargestRequest(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	d := letter(1, time.Now())
	d.Data = make([]byte, 1<<20-64<<10)
	d.Message, d.ContentType = strings.Repeat("m", 100_000), strings.Repeat("c", 100_000)
	if err := b.Dead.Put(t.Context(), []record.DeadLetter{d})[0]; err != nil {
		t.Fatalf("store: %v", err)
	}
	if got := messages(t, client(t, s), "PURGE_DEAD", ">"); len(got[0].Data) != len(d.Data) {
		t.Errorf("got %d bytes, want %d", len(got[0].Data), len(d.Data))
	}
}
