package main

import (
	"bytes"
	"os"
	"testing"
)

// TestMain lets the bench start this binary as it starts its own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == floorCommand {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRun_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-only", "limits"}, {"-workers", "0"}, {"-workers", "1,x"}, {"-runs", "0"}, {"raw"}, {"-patience", "0s"}, {"-nope"},
	} {
		var out, errs bytes.Buffer
		if err := run(t.Context(), args, &out, &errs); err == nil || out.Len() > 0 {
			t.Errorf("%v: got %v, %q, want an error alone", args, err, out.String())
		}
	}
}
