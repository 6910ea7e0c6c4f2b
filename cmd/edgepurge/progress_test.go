package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress_TellsHowLongTheRestWillTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out, 2000)
		p.set(1000, 2000) // had ended before
		for i := range 24 {
			time.Sleep(500 * time.Millisecond)
			p.set(1000+(i+1)*10, 2000) // 20 a second
		}
		p.end()
		p.set(2000, 2000)
		want := "1100 of 2000 requests have ended, about 45s left\n1200 of 2000 requests have ended, about 40s left\n"
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}

func TestProgress_ForgetsTheRateOfLongAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out, 10_000)
		ended := 0
		for i := range 100 {
			ended += 100
			if i >= 50 {
				ended -= 90 // slower now
			}
			time.Sleep(time.Second)
			p.set(ended, 10_000)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if last := lines[len(lines)-1]; last != "5500 of 10000 requests have ended, about 7m30s left" {
			t.Errorf("got %q, want what the last half minute tells", last)
		}
	})
}

func TestProgress_TellsNoTimeWithoutARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out, 10)
		time.Sleep(lineEvery)
		p.set(3, 10)
		time.Sleep(lineEvery)
		p.set(3, 10)
		time.Sleep(lineEvery)
		p.set(10, 10)
		if want := "3 of 10 requests have ended\n3 of 10 requests have ended\n10 of 10 requests have ended\n"; out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}
