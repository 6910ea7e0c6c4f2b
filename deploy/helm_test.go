package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const chart = "helm/edgepurge/"

func TestChart_HasTheAlerts(t *testing.T) {
	t.Parallel()
	if read(t, chart+"rules.yaml") != read(t, rulesFile) {
		t.Errorf("%srules.yaml is another than %s: copy it", chart, rulesFile)
	}
}

// The values are those that the schema takes, and their config is one that edgepurge takes.
func TestChart_ValuesAreTaken(t *testing.T) {
	t.Parallel()
	var values map[string]any
	readYAML(t, chart+"values.yaml", &values)
	schema, err := jsonschema.NewCompiler().Compile(chart + "values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(plain(t, values)); err != nil {
		t.Errorf("values.yaml: %v", err)
	}
	data, err := yaml.Marshal(values["config"])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "edgepurge.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := loads(t, file, nil)
	if grace := values["terminationGracePeriodSeconds"].(int); time.Duration(grace)*time.Second <= cfg.Worker.Drain {
		t.Errorf("got a grace of %d s, want more than %s", grace, cfg.Worker.Drain)
	}
	for name, change := range map[string]func(){
		"a secret in the config":     func() { values["config"].(map[string]any)["edgeone"] = map[string]any{"secret_key": "x"} },
		"a key that is not known":    func() { values["replica"] = 3 },
		"no replica":                 func() { values["replicas"] = 0 },
		"a limit in another unit":    func() { values["resources"] = map[string]any{"limits": map[string]any{"memory": "500M"}} },
		"a way to authenticate":      func() { values["nats"] = map[string]any{"auth": "kerberos"} },
		"a listener on one address":  func() { values["config"].(map[string]any)["http"] = map[string]any{"listen": "127.0.0.1:7480"} },
		"an image without a name":    func() { values["image"] = map[string]any{"repository": ""} },
		"a digest that can't be one": func() { values["image"] = map[string]any{"repository": "r", "digest": "sha256:1"} },
	} {
		readYAML(t, chart+"values.yaml", &values)
		change()
		if schema.Validate(plain(t, values)) == nil {
			t.Errorf("%s is taken", name)
		}
		values = nil
	}
}

// plain gives values as JSON has them.
func plain(t *testing.T, values any) any {
	t.Helper()
	data, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The pod is given variables that edgepurge reads, and is what the admission of restricted pods wants.
func TestChart_PodIsRestricted(t *testing.T) {
	t.Parallel()
	text := read(t, chart+"templates/deployment.yaml")
	var names []string
	for _, m := range regexp.MustCompile(`- (?:\{)?name: ([A-Z][A-Z_]+)`).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	known(t, "the chart", names, "GOMEMLIMIT")
	for _, line := range []string{
		"enableServiceLinks: false", "automountServiceAccountToken: false", "runAsNonRoot: true", "readOnlyRootFilesystem: true",
		"allowPrivilegeEscalation: false", "capabilities: {drop: [ALL]}", "seccompProfile: {type: RuntimeDefault}",
		"httpGet: {path: /livez, port: http}", "httpGet: {path: /readyz, port: http}",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the pod lacks %q", line)
		}
	}
}
