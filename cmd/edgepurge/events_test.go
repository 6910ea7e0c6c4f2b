package main

import (
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

func TestPrintEvent_CommandsNoTerminal(t *testing.T) {
	o := purge.Outcome{
		Request: "a", Source: "\x1b[2J\r\nforged", Status: purge.Rejected,
		Reason: &purge.Reason{Code: purge.CodeUnknownField, Message: "\x07\u202e", Field: "\x1b"},
	}
	data, err := purge.NewEvent("test", o, time.Now()).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printEvent(&out, asTable, broker.Event{Data: data}); err != nil {
		t.Fatal(err)
	}
	if line := strings.TrimSuffix(out.String(), "\n"); line != plain(line) || !strings.Contains(line, "forged/a") {
		t.Errorf("got %q, want one line without control characters", out.String())
	}
}
