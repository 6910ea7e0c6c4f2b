package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

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
		checkPrinted(t, path, out.String())
	})
}

// checkPrinted makes sure that what is printed is a file of the same configuration, once it has secrets again.
func checkPrinted(t *testing.T, path, printed string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(printed, "***", "x")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(path, nil)
	if err != nil {
		t.Fatalf("what was printed is refused: %v\n%s", err, printed)
	}
	var again bytes.Buffer
	if err := cfg.Print(&again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(printed, again.String()); diff != "" {
		t.Fatalf("printed (-first +again):\n%s", diff)
	}
}

// FuzzEnvironment gives one variable any value: what Load takes of it stays what it is, and what it does not take is
// told by the variable's name.
func FuzzEnvironment(f *testing.F) {
	for _, key := range config.Reference() {
		for _, value := range []string{key.Default, "", " ", "-1", "1e999", "0", "true", "x=y,", "*.a=zone-b,c=", "\x00", "\xff", "9999999h"} {
			f.Add(key.Variables[0], value)
		}
	}
	f.Add("EDGEPURGE_NO_SUCH_KEY", "x")
	f.Add("EDGEPURGE_PORT_7480_TCP_ADDR", "10.0.0.1")
	path := filepath.Join(f.TempDir(), "c.yaml")
	f.Fuzz(func(t *testing.T, name, value string) {
		if strings.ContainsAny(name, "=\x00") || strings.Contains(name, "_FILE") || name == config.FileVariable {
			t.Skip("no variable, or the name of a file")
		}
		cfg, warnings, err := config.Load("", []string{name + "=" + value})
		for _, line := range warnings {
			if strings.ContainsAny(line, "\n\r") || len(line) > 1000+6*len(name) {
				t.Errorf("warning %q: want one short line", line)
			}
		}
		faults, ok := errors.AsType[config.Faults](err)
		if err != nil && (!ok || len(faults) == 0) {
			t.Fatalf("got %T, want faults", err)
		}
		for _, fault := range faults {
			if strings.ContainsAny(fault.Error(), "\n\r") || len(fault.Error()) > 2000 {
				t.Errorf("fault %q: want one short line", fault.Error())
			}
		}
		if err != nil || !utf8.ValidString(value) {
			return // a path may have any bytes, and YAML has no place for them
		}
		var out bytes.Buffer
		if err := cfg.Print(&out); err != nil {
			t.Fatal(err)
		}
		checkPrinted(t, path, out.String())
	})
}
