package edgeone_test

import (
	"strings"
	"testing"

	sdkjson "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/json"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

func TestTargetBytes_IsWhatTheEncoderWrites(t *testing.T) {
	odd := rapid.SampledFrom([]string{"&", "<", ">", `"`, `\`, "\n", "\r", "\t", "\x00", "\x1f", "\x7f", "é", "\u2028", "\u2029", "\ufffd", "\xff", "😀"})
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(odd, rapid.String()), 0, 8).Draw(t, "parts"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		targets := rapid.SliceOfN(text, 1, 5).Draw(t, "targets")
		encoded, err := sdkjson.Marshal(targets)
		if err != nil {
			t.Fatal(err)
		}
		got := len("[]") - len(",") // the last item has no comma
		for _, s := range targets {
			got += edgeone.TargetBytes(s)
		}
		if got != len(encoded) {
			t.Fatalf("got %d, want %d: %s", got, len(encoded), encoded)
		}
	})
}

func TestCeiling(t *testing.T) {
	want := map[string]int{
		"purge_url": 5000, "purge_prefix": 1000, "purge_host": 1000, "purge_cache_tag": 100, "purge_all": 1, "url": 0,
	}
	for typ, n := range want {
		if got := edgeone.Ceiling(typ); got != n {
			t.Errorf("Ceiling(%q): got %d, want %d", typ, got, n)
		}
	}
}
