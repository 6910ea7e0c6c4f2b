package config_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/config"
)

func TestSize_ReadsAndWrites(t *testing.T) {
	tests := []struct {
		text  string
		want  config.Size
		shown string
	}{
		{"0", 0, "0"},
		{"1023", 1023, "1023"},
		{"1024", 1024, "1KiB"},
		{"1536KiB", 1536 << 10, "1536KiB"},
		{" 64 MiB ", 64 << 20, "64MiB"},
		{"1GiB", 1 << 30, "1GiB"},
		{"1073741824", 1 << 30, "1GiB"},
		{"2TiB", 2 << 40, "2TiB"},
		{"-1", -1, "-1"},
	}
	for _, tt := range tests {
		var got config.Size
		if err := got.UnmarshalText([]byte(tt.text)); err != nil || got != tt.want || got.String() != tt.shown {
			t.Errorf("%q: got %d %s %v, want %d %s", tt.text, int64(got), got, err, int64(tt.want), tt.shown)
		}
	}
	for _, text := range []string{"", "GiB", "1.5GiB", "1GB", "1gib", "1G", "1e9", "0x10", "9999999TiB", "1 2", "1KiBKiB"} {
		got := config.Size(7)
		if err := got.UnmarshalText([]byte(text)); err == nil || got != 7 {
			t.Errorf("%q: got %d %v, want an error and nothing changed", text, int64(got), err)
		}
	}
}

func TestSize_RoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shift := rapid.IntRange(0, 40).Draw(t, "shift")
		want := config.Size(rapid.Int64Range(0, math.MaxInt64>>shift).Draw(t, "count") << shift)
		var got config.Size
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%d is written as %s and read as %d %v", int64(want), want, int64(got), err)
		}
	})
}
