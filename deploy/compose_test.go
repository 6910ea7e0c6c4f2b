package deploy_test

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// service is one of compose.yaml, as far as the tests look at it.
type service struct {
	Image, Restart  string
	Command         []string
	Environment     map[string]string
	Ports, Volumes  []string
	NetworkMode     string `yaml:"network_mode"`
	StopGracePeriod string `yaml:"stop_grace_period"`
	ReadOnly        bool   `yaml:"read_only"`
	Healthcheck     struct{ Test []string }
}

func services(t *testing.T) map[string]service {
	t.Helper()
	var file struct{ Services map[string]service }
	readYAML(t, "compose.yaml", &file)
	return file.Services
}

var fallback = regexp.MustCompile(`^\$\{\w+:-(.+)\}$`)

// environ gives the variables as compose does when none is set outside.
func (s service) environ() []string {
	var all []string
	for name, value := range s.Environment {
		all = append(all, name+"="+fallback.ReplaceAllString(value, "$1"))
	}
	return all
}

func TestCompose_HoldsWhatItPromises(t *testing.T) {
	t.Parallel()
	all := services(t)
	want := []string{"emulator", "grafana", "nats", "prometheus", "setup", "worker-1", "worker-2"}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Fatalf("got the services %q, want %q", got, want)
	}
	for name, s := range all {
		if s.Image != "edgepurge:local" && !pinned(s.Image) {
			t.Errorf("%s: %s has no version", name, s.Image)
		}
		if name != "setup" && (len(s.Healthcheck.Test) < 2 || s.Restart == "") {
			t.Errorf("%s: want a health check, and to be started again", name)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to others", name, p)
			}
		}
		for _, v := range s.Volumes {
			if from, _, _ := strings.Cut(v, ":"); strings.HasPrefix(from, "./") {
				if _, err := os.Stat(filepath.FromSlash(from)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	server := regexp.MustCompile(`nats-server/v2 v(\S+)`).FindStringSubmatch(read(t, "../go.mod"))
	if server == nil || all["nats"].Image != "nats:"+server[1]+"-alpine" {
		t.Errorf("got %s, want the server that is tested, %v", all["nats"].Image, server)
	}
}

func TestCompose_WorkersAreConfigured(t *testing.T) {
	t.Parallel()
	all := services(t)
	var listens []string
	for _, name := range []string{"worker-1", "worker-2", "setup", "emulator"} {
		s := all[name]
		cfg := loads(t, "", s.environ())
		known(t, name, slices.Collect(maps.Keys(s.Environment)), "GOMEMLIMIT")
		if !s.ReadOnly {
			t.Errorf("%s can write its image", name)
		}
		if name != "emulator" && fallback.FindStringSubmatch(all["nats"].Environment[strings.ToUpper(cfg.NATS.User)+"_PASSWORD"])[1] != string(cfg.NATS.Password) {
			t.Errorf("%s: NATS has another password for %s", name, cfg.NATS.User)
		}
		if !strings.HasPrefix(name, "worker") {
			continue
		}
		if grace, err := time.ParseDuration(s.StopGracePeriod); err != nil || grace <= cfg.Worker.Drain {
			t.Errorf("%s: got %s to stop, want more than %s", name, s.StopGracePeriod, cfg.Worker.Drain)
		}
		if s.NetworkMode != "service:emulator" || cfg.EdgeOne.Endpoint != "http://127.0.0.1:7481" || cfg.NATS.Provision != "verify" {
			t.Errorf("%s: got %s, %s, %s", name, s.NetworkMode, cfg.EdgeOne.Endpoint, cfg.NATS.Provision)
		}
		_, port, err := net.SplitHostPort(cfg.HTTP.Listen)
		if err != nil || !slices.Contains(all["emulator"].Ports, fmt.Sprintf("127.0.0.1:%s:%s", port, port)) {
			t.Errorf("%s: listens on %s, which the emulator's network does not publish", name, cfg.HTTP.Listen)
		}
		listens = append(listens, "emulator:"+port)
	}
	var prometheus struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, "prometheus/prometheus.yaml", &prometheus)
	if got := prometheus.ScrapeConfigs[0].StaticConfigs[0].Targets; !slices.Equal(got, listens) {
		t.Errorf("prometheus scrapes %q, want %q", got, listens)
	}
	// The server's file reads the variables that it is given, and is reached on its ports.
	if got := slices.Sorted(maps.Keys(all["nats"].Environment)); !slices.Equal(got, slices.Sorted(maps.Values(passwords))) {
		t.Errorf("nats is given %q", got)
	}
	conf := read(t, "nats/nats.conf")
	for _, line := range []string{"port: 4222\n", "http: 8222\n", `store_dir: "/data"`} {
		if !strings.Contains(conf, line) {
			t.Errorf("nats.conf lacks %q", line)
		}
	}
}
