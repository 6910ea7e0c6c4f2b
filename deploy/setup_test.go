package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// The setup job runs before the replicas, as the operator's user, and is none of them.
func TestChart_SetupJobMakesTheStreams(t *testing.T) {
	objects := render(t, "edgepurge", "team-a",
		"setup.enabled=true", "setup.existingSecret=operator", "setup.inbox=_INBOX_operator", "config.nats.provision=verify")
	if len(objects["Job"]) != 1 || len(objects["ConfigMap"]) != 2 {
		t.Fatalf("got %d jobs and %d configurations, want one and two", len(objects["Job"]), len(objects["ConfigMap"]))
	}
	job := objects["Job"][0]
	meta := job["metadata"].(map[string]any)
	notes := meta["annotations"].(map[string]any)
	if notes["helm.sh/hook"] != "pre-install,pre-upgrade" {
		t.Errorf("got hooks %v, want those before an installation and an update", notes)
	}
	pod := job["spec"].(map[string]any)["template"].(map[string]any)
	selector := objects["Service"][0]["spec"].(map[string]any)["selector"].(map[string]any)
	labels := pod["metadata"].(map[string]any)["labels"].(map[string]any)
	if labels["app.kubernetes.io/name"] == selector["app.kubernetes.io/name"] {
		t.Error("the job's pod counts as a replica: it has the labels that the Service selects")
	}
	for _, c := range objects["ConfigMap"] { // it needs its own: the release's is not there yet
		name := c["metadata"].(map[string]any)["name"]
		volume := pod["spec"].(map[string]any)["volumes"].([]any)[0].(map[string]any)["configMap"].(map[string]any)["name"]
		annotations, _ := c["metadata"].(map[string]any)["annotations"].(map[string]any)
		_, hook := annotations["helm.sh/hook"]
		if (name == volume) != hook {
			t.Errorf("the configuration %v is of the hook: %v; the job reads %v", name, hook, volume)
		}
	}

	// Its command and configuration, with the operator's user of nats.conf, make what the worker's user verifies.
	w := newTown(t, func(*emulator.Config) {})
	container := pod["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
	var args []string
	for _, a := range container["args"].([]any) {
		args = append(args, a.(string))
	}
	var config string
	for _, c := range objects["ConfigMap"] {
		config = c["data"].(map[string]any)["edgepurge.yaml"].(string)
	}
	file := filepath.Join(t.TempDir(), "edgepurge.yaml")
	config = regexp.MustCompile(`(?m)^  url: .*$`).ReplaceAllString(config, "  url: "+w.operator.url)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if args[0] != "setup" || args[1] != "--config" {
		t.Fatalf("got the arguments %q, want setup with the configuration", args)
	}
	if out, code := w.try(w.env("operator", w.operator, small...), args[0], args[1], file); code != 0 || !strings.Contains(out, "PURGE_REQUESTS") {
		t.Errorf("got exit code %d, %q, want the streams made", code, out)
	}
	r := w.start()
	w.until("a worker that verifies the streams and is the leader", func() bool { return w.leads(r) })
}

// The notes after an installation name what is to be done next.
func TestChart_HasNotes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ settings, want []string }{
		"defaults": {nil, []string{
			"Secret edgepurge-edgeone", "without credentials", "replicas make what is missing", "rollout status deployment/edgepurge",
		}},
		"setup": {
			[]string{"setup.enabled=true", "nats.existingSecret=n", "edgeone.existingSecret="},
			[]string{"provider chain", "password from the Secret n", "the setup job made", "set config.nats.provision=verify"},
		},
		"verify": {[]string{"config.nats.provision=verify"}, []string{"run `edgepurge setup`"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// helm shows the notes only where there is a cluster: a copy of the chart has them in an object.
			copied := filepath.Join(t.TempDir(), "edgepurge")
			if err := os.CopyFS(copied, os.DirFS(chart)); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(copied, "templates", "NOTES.txt"), filepath.Join(copied, "notes.txt")); err != nil {
				t.Fatal(err)
			}
			const object = "notes: |-\n  {{- tpl (.Files.Get \"notes.txt\") . | nindent 2 }}\n"
			if err := os.WriteFile(filepath.Join(copied, "templates", "notes.yaml"), []byte(object), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"template", "edgepurge", copied, "--namespace", "team-a", "--show-only", "templates/notes.yaml"}
			for _, s := range tt.settings {
				args = append(args, "--set", s)
			}
			out, err := helm(t, args...)
			if err != nil {
				t.Fatal(err)
			}
			text := string(out)
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("the notes do not say %q:\n%s", want, text)
				}
			}
		})
	}
}
