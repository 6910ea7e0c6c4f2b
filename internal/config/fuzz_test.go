package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/config"
)

// FuzzLoad puts arbitrary bytes around a secret: whatever they make of it, Load comes back, each fault is one line, and
// nothing that is said or printed tells the secret (I6).
func FuzzLoad(f *testing.F) {
	for _, around := range [][2]string{
		{"", ""},
		{"instance: a", "http: {listen: x}"},
		{"log: {level: \"", "\"}"},
		{"log:\n  level: |\n", ""},
		{"log: {level: '", "'}"},
		{"? |\n", ""},
		{"nats: {url: '", "@host'}"},
		{"nats: {creds: \"", "\"}"},
		{"edgeone: {secret_id: x, zones: {\"", "\": y}}"},
		{"\"", "\": 1"},
		{"%TAG ! x", "---"},
		{"---\na: &x b\n---\n", "c: *x"},
		{"{", "}"},
		{"\t", "\xff\xfe"},
		{"tracker: [", "]"},
	} {
		f.Add([]byte(around[0]), []byte(around[1]))
	}
	path := filepath.Join(f.TempDir(), "c.yaml")
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if bytes.Contains(before, []byte("Marker")) || bytes.Contains(after, []byte("Marker")) {
			t.Skip("the secret stands elsewhere too")
		}
		text := string(before) + "\nedgeone:\n  secret_key: " + marker + "\n" + string(after)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, warnings, err := config.Load(path, []string{"TENCENTCLOUD_SECRET_ID=AKIDx"})
		if said := strings.Join(warnings, "\n"); strings.Contains(said, marker) {
			t.Fatalf("a warning tells the secret: %s", said)
		}
		if err != nil {
			if strings.Contains(err.Error(), marker) {
				t.Fatalf("a fault tells the secret: %v", err)
			}
			return
		}
		if err := cfg.Validate(); err != nil {
			t.Fatalf("what was loaded is not valid: %v", err)
		}
		var out bytes.Buffer
		if err := cfg.Print(&out); err != nil {
			t.Fatal(err)
		}
		if string(cfg.EdgeOne.SecretKey) == marker && strings.Contains(out.String(), marker) {
			t.Fatalf("the secret is printed: %s", out.String())
		}
	})
}
