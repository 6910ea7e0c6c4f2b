package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
)

func head(id string) record.Head {
	return record.Head{
		Account: "main", Zone: "zone-1", ID: id, Rows: 3,
		Submitted: time.Date(2026, 11, 22, 10, 0, 0, 5, time.FixedZone("", 3600)),
	}
}

func putJob(t *testing.T, b *broker.Broker, h record.Head, parts ...string) []uint64 {
	t.Helper()
	data := make([][]byte, len(parts))
	for i, p := range parts {
		data[i] = []byte(p)
	}
	sequences, err := b.Jobs.Put(t.Context(), h, data)
	if err != nil {
		t.Fatalf("store job %q: %v", h.ID, err)
	}
	return sequences
}

// jobs gives every stored part as "sequence body".
func jobs(t *testing.T, b *broker.Broker) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []string
	for j, err := range b.Jobs.All(ctx) {
		if err != nil {
			t.Fatalf("read jobs: %v", err)
		}
		all = append(all, fmt.Sprintf("%d %s", j.Sequence, j.Data))
	}
	return all
}

func TestJobs_AreStoredInParts(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	if got := jobs(t, b); got != nil {
		t.Errorf("got %v of an empty stream", got)
	}
	if got := putJob(t, b, head("j1"), "one", "two", "three"); !cmp.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("got sequences %v, want 1 2 3", got)
	}
	putJob(t, b, head("j2"), "other")
	if diff := cmp.Diff([]string{"1 one", "2 two", "3 three", "4 other"}, jobs(t, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	m := messages(t, client(t, s), "PURGE_JOBS", ">")[1]
	got := []string{regexp.MustCompile(`\b[A-Z2-7]{26}-[0-9a-f]{16}\b`).ReplaceAllString(m.Subject, "SALT"), m.Header.Get("Edgepurge-Version"), m.Header.Get("Edgepurge-Rows"), m.Header.Get("Edgepurge-Submitted")}
	want := []string{"purge.jobs.main.zone-1.j1.SALT.1", strconv.Itoa(record.Version), "3", "2026-11-22T09:00:00.000000005Z"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for j, err := range b.Jobs.All(t.Context()) {
		if err != nil || j.Sequence != 1 {
			t.Errorf("got %v, %v, want the first", j, err)
		}
		break
	}
}

func TestJobs_AreReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	putJob(t, b, head("j1"), "one", "two")
	if got := putJob(t, b, head("j1"), "one", "two"); !cmp.Equal(got, []uint64{3, 4}) {
		t.Errorf("got sequences %v, want 3 4", got)
	}
	if diff := cmp.Diff([]string{"3 one", "4 two"}, jobs(t, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := b.Jobs.Get(t.Context(), 4); err != nil || string(got) != "two" {
		t.Errorf("got %q, %v, want two", got, err)
	}
	for range 2 { // a second time, as after a lost answer
		if err := b.Jobs.Delete(t.Context(), 3); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	for _, missing := range []uint64{1, 3, 99} {
		if err := b.Jobs.Delete(t.Context(), missing); err != nil {
			t.Errorf("remove %d, which is not there: %v", missing, err)
		}
		if got, err := b.Jobs.Get(t.Context(), missing); got != nil || err != nil {
			t.Errorf("%d: got %q, %v, want nothing", missing, got, err)
		}
	}
	if diff := cmp.Diff([]string{"4 two"}, jobs(t, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An API may answer two calls with one job id. The record of the one does not take the place of the
// other's (I2).
func TestJobs_OfOneIDStandBesideEachOther(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	putJob(t, b, head("j1"), "one", "two")
	putJob(t, b, head("j1"), "other")
	putJob(t, b, head("j1"), "third", "three")
	want := []string{"1 one", "2 two", "3 other", "4 third", "5 three"}
	if diff := cmp.Diff(want, jobs(t, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Ids that others choose never meet in a subject, and stay within theirs.
func TestJobs_OfOddNamesNeverMeet(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	odd := []string{
		"", "a", "A", "a.b", "a..b", ".", "*", ">", "a b", " ", "\t", "a\r\nb", "%", "%14", "%%", "a%b", "\x00", "a\x00", "\x7f",
		"a\x7fb", "é", "e\u0301", "中文", "\xff\xfe", "\u2028", "-", "_", strings.Repeat("x", 500),
	}
	want := make(map[string]bool)
	put := func(h record.Head) {
		t.Helper()
		name := fmt.Sprintf("%q %q %q", h.Account, h.Zone, h.ID)
		want[name] = true
		for range 2 { // the second takes the place of the first, and of no other
			putJob(t, b, h, name)
		}
	}
	for _, name := range odd {
		put(record.Head{Account: "main", Zone: "zone-1", ID: name})
		put(record.Head{Account: "main", Zone: name, ID: "id"})
		put(record.Head{Account: name, Zone: "zone-1", ID: "id"})
	}
	for _, j := range jobs(t, b) {
		_, name, _ := strings.Cut(j, " ")
		if !want[name] {
			t.Errorf("job %s is there twice, or is none of ours", name)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("job %s is gone", name)
	}
	for _, m := range messages(t, client(t, s), "PURGE_JOBS", ">") {
		if strings.Count(m.Subject, ".") != 6 || strings.ContainsAny(m.Subject, "*> ") {
			t.Errorf("got subject %q, want seven plain tokens", m.Subject)
		}
	}
}

func TestJobs_FillAMessage(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	limit := b.Jobs.PartLimit()
	if most := int(client(t, s).Conn().MaxPayload()); limit > most || limit < most-64<<10 {
		t.Fatalf("got a limit of %d bytes of a max_payload of %d", limit, most)
	}
	h := head(strings.Repeat("x", 500))
	h.Account, h.Zone = strings.Repeat("\xff", 200), strings.Repeat("\xff", 200)
	part := bytes.Repeat([]byte("x"), limit)
	sequences, err := b.Jobs.Put(t.Context(), h, [][]byte{part, part})
	if err != nil {
		t.Fatalf("store: %v", err)
	}
	if got, err := b.Jobs.Get(t.Context(), sequences[1]); err != nil || !bytes.Equal(got, part) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(part))
	}
	if _, err := b.Jobs.Put(t.Context(), h, [][]byte{make([]byte, limit+64<<10)}); err == nil {
		t.Error("got nil for a part that is not stored")
	}
}

// A predecessor may still end jobs while they are read.
func TestJobs_EndThoughPartsGoAway(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	for i := range 40 {
		putJob(t, b, head(fmt.Sprintf("j%d", i)), "body")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var read []uint64
	for j, err := range b.Jobs.All(ctx) {
		if err != nil {
			t.Fatalf("after %v: %v", read, err)
		}
		read = append(read, j.Sequence)
		if j.Sequence != 3 {
			continue
		}
		for sequence := uint64(1); sequence <= 40; sequence++ {
			if sequence != 20 {
				if err := b.Jobs.Delete(ctx, sequence); err != nil {
					t.Fatalf("remove: %v", err)
				}
			}
		}
	}
	if diff := cmp.Diff([]uint64{1, 2, 3, 20}, read); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestJobs_AreErrorsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	putJob(t, b, head("j1"), "body")
	key := record.Key{Source: "ghost", ID: "a"}
	check := func(ctx context.Context, gone bool) {
		t.Helper()
		errs := make(map[string]error)
		_, errs["store"] = b.Jobs.Put(ctx, head("j2"), [][]byte{[]byte("body")})
		_, errs["read"] = b.Jobs.Get(ctx, 1)
		errs["remove"] = b.Jobs.Delete(ctx, 1)
		_, _, errs["progress"] = b.Progress.Get(ctx, key)
		_, errs["store progress"] = b.Progress.Put(ctx, key, nil, record.Place{}, false)
		for _, err := range b.Jobs.All(ctx) {
			errs["list"] = err
		}
		for what, err := range errs {
			if err == nil || gone && !broker.Gone(err) {
				t.Errorf("%s: got %v, want an error", what, err)
			}
		}
		if len(errs) != 6 {
			t.Error("the list of jobs ends as if there were none")
		}
	}
	why := errors.New("enough")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	check(ended, false)
	if got := jobs(t, b); len(got) == 0 || got[0] != "1 body" {
		t.Errorf("got %v, want the job", got)
	}
	js := client(t, s)
	for _, name := range []string{"PURGE_JOBS", "PURGE_PROGRESS"} {
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatalf("delete stream: %v", err)
		}
	}
	check(t.Context(), true)
	s.Stop()
	eventually(t, "the connection is lost", func() bool { return b.Conn.Check() != nil })
	check(t.Context(), false)
}

func TestJobs_KeepWhatIsLeftBesideThem(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	first := putJob(t, b, head("j1"), "one", "two")
	other := connect(t, s, settings()) // another process, after a take-over
	at, err := other.Jobs.Place(t.Context(), first[0])
	if err != nil || at.Sequence != first[0] {
		t.Fatalf("got place %v, %v, want that of %d", at, err, first[0])
	}
	for range 2 { // a second time, as after a lost answer
		got, err := other.Jobs.PutRetryPart(t.Context(), at, head("j1"), []byte("what is left"))
		if err != nil || got != 3 {
			t.Errorf("got sequence %d, %v, want 3", got, err)
		}
	}
	if diff := cmp.Diff([]string{"1 one", "2 two", "3 what is left"}, jobs(t, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := b.Jobs.Delete(t.Context(), first[0]); err != nil {
		t.Fatal(err)
	}
	if at, err := b.Jobs.Place(t.Context(), first[0]); err != nil || at != (record.Place{}) {
		t.Errorf("got place %v, %v of what is gone, want none", at, err)
	}
}
