package app

import (
	"runtime/debug"
	"time"
)

// Build says what was built. What the build does not tell is empty.
type Build struct {
	Version  string    // of the module: of its tag, or of the commit; else devel
	Revision string    // the commit
	Time     time.Time // of the commit
	Modified bool      // the files differ from those of the commit
	Go       string    // the release that built it
}

// ReadBuild reads what Go wrote into the binary.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{Version: "unknown"}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) Build {
	b := Build{Version: info.Main.Version, Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time, _ = time.Parse(time.RFC3339, s.Value) // zero where it is none
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
		if len(b.Revision) >= 12 {
			b.Version += "-" + b.Revision[:12]
		}
	}
	return b
}

// Version comes from the build: the module's version, else the commit.
func Version() string { return ReadBuild().Version }
