package broker_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
)

// bury stores a dead letter.
func bury(t *testing.T, b *broker.Broker, d record.DeadLetter) {
	t.Helper()
	if err := b.Dead.Put(t.Context(), []record.DeadLetter{d})[0]; err != nil {
		t.Fatalf("store dead letter: %v", err)
	}
}

func letters(t *testing.T, b *broker.Broker, source, code string) []string {
	t.Helper()
	got := []string{}
	for l, err := range b.Dead.List(t.Context(), source, code) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		got = append(got, fmt.Sprintf("%d %s %s %d", l.Sequence, l.Reason, l.Request, l.Size))
	}
	return got
}

func TestLetters_AreListedBySourceAndReason(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	if got := letters(t, b, "", ""); len(got) != 0 {
		t.Errorf("got %q of an empty stream, want none", got)
	}
	for i, d := range []record.DeadLetter{
		{Key: record.Key{Source: "ghost", ID: "a"}, Code: "IdReused", Data: []byte("12345")},
		{Key: record.Key{Source: "shop", ID: "b"}, Code: "IdReused"},
		{Key: record.Key{Source: "ghost", ID: "c"}, Code: "InvalidParameter.Target"},
		{Key: record.Key{Source: "Odd Source", ID: "d"}, Code: "Malformed"},
	} {
		d.Sequence, d.Stored = uint64(i+1), time.Now()
		bury(t, b, d)
	}
	// As the server's answer to a publish whose reply subject says so.
	mustSend(t, client(t, s), "purge.dead.malformed.ghost", []byte(`{"stream":"PURGE_REQUESTS","seq":1}`))
	for _, c := range []struct {
		source, code string
		want         []string
	}{
		{"", "", []string{"1 id-reused ghost/a 5", "2 id-reused shop/b 0", "3 invalid-parameter-target ghost/c 0", "4 malformed Odd Source/d 0"}},
		{"ghost", "", []string{"1 id-reused ghost/a 5", "3 invalid-parameter-target ghost/c 0"}},
		{"", "IdReused", []string{"1 id-reused ghost/a 5", "2 id-reused shop/b 0"}},
		{"ghost", "id-reused", []string{"1 id-reused ghost/a 5"}},
		{"ghost", "invalid-parameter-target", []string{"3 invalid-parameter-target ghost/c 0"}},
		{"ghost", "malformed", []string{}},
		{"nobody", "", []string{}},
	} {
		if diff := cmp.Diff(c.want, letters(t, b, c.source, c.code)); diff != "" {
			t.Errorf("source %q, reason %q (-want +got):\n%s", c.source, c.code, diff)
		}
	}
}

func TestLetters_EndWhenNoMoreAreWanted(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	for i := range 3 {
		bury(t, b, letter(uint64(i+1), time.Now()))
	}
	n := 0
	for _, err := range b.Dead.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("got %d, want to end with the first", n)
	}
}

// buryMany stores more than are read ahead.
func buryMany(t *testing.T, b *broker.Broker) (n int) {
	t.Helper()
	dead := make([]record.DeadLetter, 1200)
	for i := range dead {
		dead[i] = record.DeadLetter{Key: record.Key{Source: "ghost", ID: strconv.Itoa(i)}, Code: "IdReused", Sequence: uint64(i + 1), Stored: time.Now()}
	}
	if err := errors.Join(b.Dead.Put(t.Context(), dead)...); err != nil {
		t.Fatal(err)
	}
	return len(dead)
}

// listed counts the letters of a list; first is called at the first of them.
func listed(t *testing.T, b *broker.Broker, first func()) (n int) {
	t.Helper()
	for _, err := range b.Dead.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			first()
		}
	}
	return n
}

// Somebody else drops them while they are listed.
func TestLetters_EndWhenTheOthersAreDropped(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	all := buryMany(t, b)
	stream, err := client(t, s).Stream(t.Context(), "PURGE_DEAD")
	if err != nil {
		t.Fatal(err)
	}
	n := listed(t, b, func() {
		if err := stream.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if n == all {
		t.Errorf("all %d were read before they were dropped, want some gone", n)
	}
}

// The server is away for longer than a message is waited for, and forgets who was reading.
func TestLetters_GoOnThroughARestart(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	all := buryMany(t, b)
	var back sync.WaitGroup
	defer back.Wait()
	n := listed(t, b, func() {
		s.Stop()
		back.Go(func() {
			<-time.After(3 * time.Second)
			s.Start()
		})
	})
	if n != all {
		t.Errorf("%d were listed, want all %d", n, all)
	}
}

func TestLetter_IsShownAndDropped(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	want := letter(7, time.Now())
	bury(t, b, want)
	mustSend(t, client(t, s), "purge.dead.malformed.ghost", []byte("an answer"))
	l, err := b.Dead.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if time.Since(l.Stored) > patience {
		t.Errorf("stored at %v, want now", l.Stored)
	}
	l.Stored = time.Time{}
	if diff := cmp.Diff(broker.DeadLetter{
		Sequence: 1, Reason: "invalid-target", Code: want.Code, Message: want.Message, Request: "ghost/a",
		Subject: want.Subject, ContentType: want.ContentType, Size: len(want.Data), Data: want.Data,
	}, l); diff != "" {
		t.Errorf("letter (-want +got):\n%s", diff)
	}
	if err := b.Dead.Delete(t.Context(), 1); err != nil {
		t.Errorf("drop: %v", err)
	}
	for _, sequence := range []uint64{1, 2, 99} { // dropped, no letter, never stored
		if _, err := b.Dead.Get(t.Context(), sequence); !errors.Is(err, broker.ErrNoDeadLetter) {
			t.Errorf("show %d: got %v, want %v", sequence, err, broker.ErrNoDeadLetter)
		}
		if err := b.Dead.Delete(t.Context(), sequence); !errors.Is(err, broker.ErrNoDeadLetter) {
			t.Errorf("drop %d: got %v, want %v", sequence, err, broker.ErrNoDeadLetter)
		}
		if _, err := b.Dead.Replay(t.Context(), sequence); !errors.Is(err, broker.ErrNoDeadLetter) {
			t.Errorf("replay %d: got %v, want %v", sequence, err, broker.ErrNoDeadLetter)
		}
	}
	if got := stored(t, client(t, s), "PURGE_DEAD"); got != 1 {
		t.Errorf("%d messages left, want what was no letter", got)
	}
}

func TestLetters_AreAnErrorWithoutAStream(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	b := connect(t, s, settings())
	for _, err := range b.Dead.List(t.Context(), "", "") {
		if err == nil || !broker.Gone(err) {
			t.Errorf("got %v, want that there is no stream", err)
		}
		return
	}
	t.Error("got an empty list, want an error")
}
