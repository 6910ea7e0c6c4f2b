package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/config"
)

// Check reports everything that keeps a worker with this configuration from ever working and that can be seen on this
// machine: what [broker.Dial.Check] reports, missing or unusable credentials, and a proxy that can't be one. Its error
// has one line for each. It connects to nothing, but looks up one name where no credentials are configured, for up to
// 5 s: a machine of Tencent Cloud may have a role.
func Check(cfg config.Config) error {
	return errors.Join(Dial(cfg).Check(), checkCredentials(cfg.EdgeOne), checkProxy(cfg.EdgeOne))
}

// checkCredentials asks those providers that need no network, in the order of the chain.
func checkCredentials(cfg config.EdgeOne) error {
	if cfg.SecretID != "" {
		return nil
	}
	if os.Getenv(tkeTokenFile) != "" {
		return checkIdentity()
	}
	path, named := os.LookupEnv(common.EnvCredentialFile)
	if home, err := os.UserHomeDir(); !named && err == nil {
		path = filepath.Join(home, ".tencentcloud", "credentials")
		_, err = os.Stat(path)
		named = err == nil
	}
	if !named {
		_, err := Credentials(cfg)
		return err
	}
	if path == "" {
		return errors.New(common.EnvCredentialFile + " is set, but empty: name a profile file, or unset it")
	}
	if err := canRead(path); err != nil {
		return fmt.Errorf("profile file %s: %w; name another with %s", path, err, common.EnvCredentialFile)
	}
	if _, err := (profile{common.DefaultProfileProvider()}).GetCredential(); err != nil {
		return fmt.Errorf("profile file %s: section [default] lacks secret_id or secret_key", path)
	}
	return nil
}

// checkIdentity checks what TKE puts into the environment of a pod with an OIDC identity.
func checkIdentity() error {
	var missing []string
	for _, name := range []string{"TKE_REGION", "TKE_PROVIDER_ID", "TKE_ROLE_ARN"} {
		if os.Getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s is set, but not %s: the pod's service account needs all of them, or unset it",
			tkeTokenFile, strings.Join(missing, ", "))
	}
	if err := canRead(os.Getenv(tkeTokenFile)); err != nil {
		return fmt.Errorf("%s: the file that it names: %w", tkeTokenFile, err)
	}
	return nil
}

// canRead reports why a file can't be read, without its path.
func canRead(path string) error {
	_, err := os.ReadFile(path)
	if reason, ok := errors.AsType[*fs.PathError](err); ok {
		return reason.Err
	}
	return err
}

// checkProxy reports a variable for proxies that can't be read: no call would reach EdgeOne. It does not show the
// value, which may have a password in it (I6).
func checkProxy(cfg config.EdgeOne) error {
	scheme, host, err := config.ParseEndpoint(cfg.Endpoint)
	if err != nil {
		return err
	}
	if _, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: scheme, Host: host}}); err != nil {
		return errors.New("HTTPS_PROXY or HTTP_PROXY is not an address of a proxy; write http://host:port, or unset it")
	}
	return nil
}
