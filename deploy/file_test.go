package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/edgepurge/edgepurge/internal/config"
)

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// loads wants edgepurge to take a configuration of variables, and optionally a file, as it is: without a fault, and
// without a variable that nobody reads.
func loads(t *testing.T, file string, environ []string) config.Config {
	t.Helper()
	cfg, warnings, err := config.Load(file, environ)
	if err != nil || len(warnings) > 0 {
		t.Errorf("%q: got %v, %q, want a configuration that is taken", environ, err, warnings)
	}
	return cfg
}

// known wants every variable to be one of edgepurge's, or one of those that others read.
func known(t *testing.T, where string, names []string, others ...string) {
	t.Helper()
	var all []string
	for _, k := range config.Reference() {
		all = append(all, k.Variables...)
	}
	if len(names) == 0 {
		t.Errorf("%s: got no variables", where)
	}
	for _, name := range names {
		if !slices.Contains(all, name) && !slices.Contains(others, name) {
			t.Errorf("%s: nobody reads %s", where, name)
		}
	}
}

// The image is built as the Makefile builds, of the Go that go.mod asks for or a newer one, and runs neither as root nor
// with anything but the binary.
func TestDockerfile_MakesAStaticImageThatIsNotRoot(t *testing.T) {
	t.Parallel()
	stages, lines := 0, []string{}
	for line := range strings.Lines(strings.ReplaceAll(read(t, "Dockerfile"), "\\\n", " ")) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "FROM ") {
			stages, lines = stages+1, nil
			image := strings.Fields(line)[1]
			if !pinned(image) {
				t.Errorf("%s: want a version", image)
			}
		}
		lines = append(lines, line)
	}
	if stages != 2 {
		t.Errorf("got %d stages, want 2", stages)
	}
	want := []string{
		"FROM gcr.io/distroless/static-debian12:nonroot", "COPY --from=build /src/bin/edgepurge /usr/local/bin/edgepurge",
		"USER 65532:65532", "EXPOSE 7480", `ENTRYPOINT ["/usr/local/bin/edgepurge"]`, `CMD ["run"]`,
	}
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("the image lacks %q; it has %q", line, lines)
		}
	}
	build := regexp.MustCompile(`(?m)^build:.*\n\t(.+)$`).FindStringSubmatch(read(t, "../Makefile"))
	if build == nil || !strings.Contains(read(t, "Dockerfile"), "RUN "+build[1]+"\n") || !strings.HasPrefix(build[1], "CGO_ENABLED=0 ") {
		t.Errorf("got another build than the Makefile's: %q", build)
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	if goVersion == nil || !strings.Contains(read(t, "Dockerfile"), "FROM golang:"+goVersion[1]+".") {
		t.Errorf("got another Go than go.mod's %v", goVersion)
	}
}

// pinned tells whether an image has a version; distroless names its variants instead.
func pinned(image string) bool {
	return regexp.MustCompile(`:v?\d+\.\d+\.\d+(-[a-z]+)?$|^gcr\.io/distroless/static-debian\d+:nonroot$`).MatchString(image)
}

// The service reads its secrets by the _FILE variables, is given longer than it drains, and names what there is.
func TestService_GivesWhatEdgepurgeReads(t *testing.T) {
	t.Parallel()
	unit := read(t, "systemd/edgepurge.service")
	var names []string
	given := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^LoadCredential=([a-z-]+):`).FindAllStringSubmatch(unit, -1) {
		given[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^Environment=(\w+)=(.*)$`).FindAllStringSubmatch(unit, -1) {
		names = append(names, m[1])
		if credential, ok := strings.CutPrefix(m[2], "%d/"); ok != strings.HasSuffix(m[1], "_FILE") || ok && !given[credential] {
			t.Errorf("%s is %s, want a credential that is loaded for a _FILE, and for nothing else", m[1], m[2])
		}
		delete(given, strings.TrimPrefix(m[2], "%d/"))
	}
	known(t, "the service", names, "GOMEMLIMIT")
	if len(given) > 0 {
		t.Errorf("%v are loaded, and nobody reads them", given)
	}
	for _, line := range []string{
		"Type=exec", "ExecStart=/usr/local/bin/edgepurge run --config /etc/edgepurge/edgepurge.yaml", "ExecReload=/bin/kill -HUP $MAINPID",
		"TimeoutStopSec=40s", "DynamicUser=yes", "MemoryMax=512M",
	} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the service lacks %q", line)
		}
	}
	if drain := config.Default().Worker.Drain; drain.Seconds() >= 40 {
		t.Errorf("worker.drain is %s, want less than TimeoutStopSec", drain)
	}
}

var metricName = regexp.MustCompile(`\b(?:edgepurge|go|process)_[a-z_]+`)

// The dashboard's queries speak of metrics that a worker serves, and of labels that they have.
func TestDashboard_ShowsMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	told := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `(edgepurge_\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(read(t, "../docs/metrics.md"), -1) {
		told[m[1]] = true
		if m[2] == "histogram" {
			told[m[1]+"_bucket"], told[m[1]+"_sum"], told[m[1]+"_count"] = true, true, true
		}
	}
	var board struct {
		Title  string
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int } `yaml:"gridPos"`
			Targets []struct{ Expr string }
		}
	}
	readYAML(t, filepath.Join("grafana", "dashboard.json"), &board) // JSON is YAML
	queries, ids := 0, make(map[int]bool)
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d %q: want an id of its own, a title, a place and a query", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			queries++
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				if strings.HasPrefix(name, "edgepurge_") && !told[name] {
					t.Errorf("%s: there is no metric %s", p.Title, name)
				}
			}
			if !strings.Contains(target.Expr, `{namespace=~"$namespace",job=~"$job"`) {
				t.Errorf("%s: %s does not ask for the namespace and the job", p.Title, target.Expr)
			}
			checkAggregations(t, target.Expr)
		}
	}
	if queries < 20 {
		t.Errorf("got %d queries, want those of a dashboard", queries)
	}
}
