package credentials

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
)

const (
	// metadataHost resolves on the machines of Tencent Cloud only.
	metadataHost = "metadata.tencentyun.com"
	tkeTokenFile = "TKE_WEB_IDENTITY_TOKEN_FILE"
)

// Find returns the configured pair as a [Static], or the SDK's provider chain as [Provided] if the pair has no id. The
// chain is not asked yet: an error means that nothing at all is configured. It may take 5 s.
func Find(configured Pair) (common.CredentialIface, error) {
	if configured.ID != "" {
		return &Static{pair: configured}, nil
	}
	if !provides() {
		return nil, errors.New("no credentials are configured: set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, " +
			"give a profile file, or run where a role provides them")
	}
	return NewProvided(chain), nil
}

// provides reports whether something may provide keys, even if it is away or faulty now.
func provides() bool {
	if os.Getenv(tkeTokenFile) != "" || os.Getenv(common.EnvCredentialFile) != "" {
		return true
	}
	if home, err := os.UserHomeDir(); err == nil {
		if _, err := os.Stat(filepath.Join(home, ".tencentcloud", "credentials")); err == nil {
			return true
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(ctx, metadataHost)
	return err == nil
}

// chain asks the providers in order.
func chain() (common.CredentialIface, error) {
	var providers []common.Provider
	if os.Getenv(tkeTokenFile) != "" {
		oidc, err := common.DefaultTkeOIDCRoleArnProvider()
		if err != nil {
			return nil, fmt.Errorf("use the pod's OIDC identity: %w", err)
		}
		providers = append(providers, oidc)
	}
	providers = append(providers, profile{common.DefaultProfileProvider()}, common.DefaultCvmRoleProvider())
	return common.NewProviderChain(providers).GetCredential()
}

// profile is the SDK's provider of a profile file, which panics where that has no section [default].
type profile struct{ common.Provider }

// GetCredential reads the file. Errors of the SDK are passed on as they are: its chain compares them.
func (p profile) GetCredential() (found common.CredentialIface, err error) {
	defer func() {
		if recover() != nil {
			found, err = nil, errors.New("read the profile file: it has no section [default] with secret_id and secret_key")
		}
	}()
	return p.Provider.GetCredential()
}
