package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// header tells what was measured, and on what.
type header struct {
	Edgepurge string    `json:"edgepurge"`
	Revision  string    `json:"revision,omitempty"` // of the sources, where the build knew it
	NATS      string    `json:"nats_server"`
	Go        string    `json:"go"`
	Cores     int       `json:"cores"`
	Processor string    `json:"processor,omitempty"`
	Load      string    `json:"load,omitempty"` // of the machine when the bench began, over 1, 5 and 15 minutes
	Begin     time.Time `json:"begin"`
	Runs      int       `json:"runs"`
	Flags     []string  `json:"flags,omitempty"` // what belongs to the command that repeats a scenario
	Short     bool      `json:"short,omitempty"`
}

func newHeader(ctx context.Context, o options, bin binaries) header {
	h := header{
		Edgepurge: said(ctx, bin.edgepurge, "version"), Revision: revision(bin.edgepurge), NATS: strings.TrimPrefix(said(ctx, bin.nats, "--version"), "nats-server: "),
		Go: runtime.Version(), Cores: runtime.NumCPU(), Processor: processor(), Load: load(),
		Begin: time.Now().UTC().Truncate(time.Second), Runs: o.runs, Short: o.short,
	}
	if o.short {
		h.Flags = append(h.Flags, "-short")
	}
	if !o.ids {
		h.Flags = append(h.Flags, "-ids=false")
	}
	return h
}

// said is what a program prints, empty when it does not.
func said(ctx context.Context, path string, args ...string) string {
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// revision is the commit that a binary was built from, with a plus sign where the sources differed from it.
func revision(path string) string {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return ""
	}
	var commit, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	return commit + changed
}

func processor() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, " \t\n:")
		}
	}
	return ""
}

func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(data))[:3], " ")
}

func (h header) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "%s, nats-server %s, %s, %d cores", strings.TrimSpace(h.Edgepurge+" "+h.Revision), h.NATS, h.Go, h.Cores)
	if h.Processor != "" {
		fmt.Fprintf(b, " (%s)", h.Processor)
	}
	fmt.Fprintf(b, ", %s. Medians; runs: %d.\n", h.Begin.Format(time.DateTime), h.Runs)
	fmt.Fprintf(b, "The NATS server, the emulator, the workers, and the load and the counting in the bench itself share these cores. Load "+
		"of the machine before: %s.\n", h.Load)
	if h.Short {
		b.WriteString("Shortened: the figures tell only that the scenarios work.\n")
	}
	b.WriteString("\n")
}

// command is what measures a scenario again.
func (h header) command(scenario string, workers int) string {
	words := []string{"go run ./e2e/bench -only", scenario, "-workers", strconv.Itoa(workers), "-runs", strconv.Itoa(h.Runs)}
	return strings.Join(append(words, h.Flags...), " ")
}
