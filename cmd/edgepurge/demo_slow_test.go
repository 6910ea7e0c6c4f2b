//go:build slow

package main

import (
	"strings"
	"testing"
)

func TestDemo_GoesOnTheNextDay(t *testing.T) {
	t.Parallel()
	args := "demo --daily-quota 100 --count 150 --task-time 100ms --batch-quota 50 --day 6s"
	code, out, errs := command(t, "", strings.Fields(args)...)
	if code != exitOK || !strings.HasPrefix(out, "150 requests: 150 completed, 0 failed, in ") {
		t.Errorf("exit code %d, %q, %q; want all completed", code, out, errs)
	}
	if !strings.HasPrefix(errs, "the daily quota of 100 targets is exhausted until ") {
		t.Errorf("got %q, want what is waited for", errs)
	}
}
