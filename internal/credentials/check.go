package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
)

// Check reports why there can be no keys. It asks the providers that need no network, in the order of the chain, and
// looks up one name where nothing is configured, for up to 5 s.
func Check(configured Pair) error {
	if configured.ID != "" {
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
		_, err := Find(configured)
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
