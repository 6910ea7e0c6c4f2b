package kit

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseCPU_AddsUserAndSystem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       time.Duration
		bad        bool
	}{
		{"plain", "17 (edgepurge) S 1 17 17 0 -1 4194560 900 0 3 0 250 31 0 0 20 0 9 0 77", 2810 * time.Millisecond, false},
		{"a name with parentheses", "17 (a) b 1 (c) S 1 17 17 0 -1 4194560 900 0 3 0 5 2 0 0", 70 * time.Millisecond, false},
		{"cut off", "17 (edgepurge) S 1 17 17 0 -1 4194560 900 0 3 0 250", 0, true},
		{"empty", "", 0, true},
		{"no number", "17 (edgepurge) S 1 17 17 0 -1 4194560 900 0 3 0 x 31 0 0", 0, true},
	}
	for _, tt := range tests {
		got, err := parseCPU("stat", tt.text)
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%s: got %v, %v, want %v, an error: %v", tt.name, got, err, tt.want, tt.bad)
		}
	}
}

func TestParsePeak_IsInBytes(t *testing.T) {
	t.Parallel()
	got, err := parsePeak("status", "Name:\tedgepurge\nVmPeak:\t  9 kB\nVmHWM:\t   52736 kB\nVmRSS:\t 1 kB\n")
	if got != 52736<<10 || err != nil {
		t.Errorf("got %v, %v, want %v", got, err, 52736<<10)
	}
	if got, err := parsePeak("status", "VmRSS:\t 1 kB\n"); err == nil {
		t.Errorf("got %v, want an error", got)
	}
}

func TestUsage_OfThisProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	peak, err := Peak(os.Getpid())
	if err != nil || peak < 1<<20 {
		t.Errorf("peak: got %v, %v, want more than 1 MiB", peak, err)
	}
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 30*time.Second; {
		now, err := CPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now > before {
			return
		}
	}
	t.Errorf("got no more than %v after 30 s of work", before)
}
