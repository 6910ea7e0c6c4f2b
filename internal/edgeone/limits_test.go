package edgeone_test

import (
	"strings"
	"testing"

	sdkjson "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/json"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
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

func TestTypeName_LeavesOtherTypesAsTheyAre(t *testing.T) {
	for name, typ := range types {
		if got := edgeone.TypeName(typ); got != name {
			t.Errorf("TypeName(%q): got %q, want %q", typ, got, name)
		}
	}
	for _, typ := range []purge.Type{"", "prefetch_url"} {
		if got := edgeone.TypeName(typ); got != string(typ) {
			t.Errorf("TypeName(%q): got %q, want it as it is", typ, got)
		}
	}
}

func TestCeiling(t *testing.T) {
	want := map[purge.Type]int{
		purge.URL: 5000, purge.Prefix: 1000, purge.Host: 1000, purge.Tag: 100, purge.All: 1, "purge_url": 0, "": 0,
	}
	for typ, n := range want {
		if got := edgeone.Ceiling(typ); got != n {
			t.Errorf("Ceiling(%q): got %d, want %d", typ, got, n)
		}
	}
}
