package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// kubeVersion is what the chart is rendered for.
const kubeVersion = "1.33.0"

// helm calls helm, and returns what it prints on stdout.
func helm(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	path := kit.Need(t, "helm", "the Go module helm.sh/helm/v3/cmd/helm")
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, append(args, "--kube-version", kubeVersion)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, errors.New(errs.String() + out.String())
	}
	return out.Bytes(), nil
}

// Each object of the rendered chart fits the strict schema of its kind: an unknown field is an error.
func TestChart_RendersWhatKubernetesTakes(t *testing.T) {
	t.Parallel()
	if _, err := helm(t, "lint", "--strict", chart); err != nil {
		t.Errorf("helm lint: %v", err)
	}
	for name, settings := range map[string][]string{
		"defaults":   nil,
		"monitoring": {"serviceMonitor.enabled=true", "prometheusRule.enabled=true", "nats.existingSecret=n", "nats.inbox=_INBOX_worker"},
		"setup": {
			"setup.enabled=true", "setup.existingSecret=operator", "setup.inbox=_INBOX_operator", "nats.existingSecret=worker",
			"config.nats.provision=verify",
		},
		"creds": {"nats.existingSecret=nats", "nats.auth=creds", "serviceAccount.create=false", "networkPolicy.enabled=false"},
		"nkey":  {"nats.existingSecret=nats", "nats.auth=nkey", "edgeone.existingSecret=", "podDisruptionBudget.enabled=false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := helm(t, template(settings...)...)
			if err != nil {
				t.Fatalf("helm template: %v", err)
			}
			if n := fits(t, out); n < 4 {
				t.Errorf("got %d objects, want those of the chart", n)
			}
		})
	}
}

// A drain that is longer than the pod may take is refused.
func TestChart_RefusesADrainLongerThanThePodLives(t *testing.T) {
	t.Parallel()
	if out, err := helm(t, template("config.worker.drain=60s")...); err == nil {
		t.Errorf("the chart takes it:\n%s", out)
	}
}

func template(settings ...string) []string {
	args := []string{"template", "edgepurge", chart}
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	return args
}

// fits wants every object to fit the schema of its kind, and returns how many there are.
func fits(t *testing.T, manifests []byte) int {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(manifests))
	for n := 0; ; {
		var object map[string]any
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
		if object == nil {
			continue
		}
		n++
		kind, _ := object["kind"].(string)
		api, _ := object["apiVersion"].(string)
		schema, err := jsonschema.NewCompiler().Compile(schemaOf(t, kind, api))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(plain(t, object)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// schemaOf returns the file with the schema of a kind, such as deployment-apps-v1.json.
func schemaOf(t *testing.T, kind, api string) string {
	t.Helper()
	group, version, grouped := strings.Cut(api, "/")
	if !grouped {
		group, version = "", group
	}
	group, _, _ = strings.Cut(group, ".")
	name := strings.ToLower(kind) + "-" + strings.TrimPrefix(group+"-"+version, "-") + ".json"
	path := filepath.Join("helm", "schemas", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s (%s) has no schema: %v", kind, api, err)
	}
	return path
}
