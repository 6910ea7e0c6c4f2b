package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"go.yaml.in/yaml/v3"

	"github.com/edgepurge/edgepurge/internal/config"
)

const marker = "S3cr3t+/Marker="

// secretive is a configuration with a secret in every place that may hold one.
func secretive() config.Config {
	cfg := config.Default()
	cfg.NATS.URL = "nats://user:" + marker + "@host:4222"
	cfg.NATS.Password, cfg.NATS.Token = marker, marker
	cfg.EdgeOne.SecretKey, cfg.EdgeOne.Token = marker, marker
	return cfg
}

func TestSecret_ShowsItselfNowhere(t *testing.T) {
	cfg := secretive()
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%10v", "%z"} {
		shown[verb] = fmt.Sprintf(verb, cfg)
		shown["bare "+verb] = fmt.Sprintf(verb, cfg.NATS.Token)
		shown["pointer "+verb] = fmt.Sprintf(verb, &cfg.NATS)
		shown["address "+verb] = fmt.Sprintf(verb, cfg.NATS.URL)
	}
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	if err := cfg.Print(&printed); err != nil {
		t.Fatal(err)
	}
	shown["json"], shown["yaml"], shown["print"] = string(asJSON), string(asYAML), printed.String()
	core, logs := observer.New(zapcore.DebugLevel)
	zap.New(core).Info("", zap.Any("cfg", cfg), zap.Stringer("token", cfg.NATS.Token))
	line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{}).EncodeEntry(zapcore.Entry{}, logs.All()[0].Context)
	if err != nil {
		t.Fatal(err)
	}
	shown["zap"] = line.String()

	for way, text := range shown {
		for _, form := range []string{marker, fmt.Sprintf("%x", marker), fmt.Sprintf("%X", marker)} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows it: %s", way, text)
			}
		}
	}
	for _, way := range []string{"json", "yaml", "print", "%v", "%#v", "zap"} {
		if !strings.Contains(shown[way], "***") {
			t.Errorf("%s does not tell that there is a secret: %s", way, shown[way])
		}
	}
}

func TestSecret_EmptyStaysEmpty(t *testing.T) {
	var none config.Secret
	asJSON, err := json.Marshal(none)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(none)
	if err != nil {
		t.Fatal(err)
	}
	asText, err := none.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []struct{ shown, want string }{
		{none.String(), ""},
		{none.GoString(), `""`},
		{fmt.Sprintf("%v|%#v", none, none), `|""`},
		{string(asJSON), `""`},
		{string(asYAML), "\"\"\n"},
		{string(asText), ""},
	} {
		if got.shown != got.want {
			t.Errorf("got %q, want %q", got.shown, got.want)
		}
	}
}

func TestServerURL_HidesWhatStandsBeforeTheHost(t *testing.T) {
	tests := []struct{ url, want config.ServerURL }{
		{"nats://a:4222,nats://b:4222", "nats://a:4222,nats://b:4222"},
		{"nats://user:pass@a:4222", "nats://***@a:4222"},
		{"token@a:4222", "***@a:4222"},
		{"tls://u:p,a/s@s@a:4222", "tls://***@a:4222"},
		{"nats://a,nats://u:p@b,nats://u:p@c", "nats://***@c"},
		{"user:pa://ss@a", "***@a"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := tt.url.String(); got != string(tt.want) {
			t.Errorf("%s: got %q, want %q", string(tt.url), got, string(tt.want))
		}
	}
}
