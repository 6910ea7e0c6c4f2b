package app

import (
	"fmt"
	"os"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/config"
)

// Credentials gives the keys that a configuration names, else those of the SDK's provider chain: a
// profile file, the role of the machine, or the OIDC identity of a TKE pod.
func Credentials(cfg config.EdgeOne) (common.CredentialIface, error) {
	if cfg.SecretID != "" {
		return common.NewTokenCredential(cfg.SecretID, string(cfg.SecretKey), string(cfg.Token)), nil
	}
	var chain []common.Provider
	if os.Getenv("TKE_WEB_IDENTITY_TOKEN_FILE") != "" {
		oidc, err := common.DefaultTkeOIDCRoleArnProvider()
		if err != nil {
			return nil, fmt.Errorf("use the pod's OIDC identity: %w", err)
		}
		chain = append(chain, oidc)
	}
	chain = append(chain, common.DefaultProfileProvider(), common.DefaultCvmRoleProvider())
	credentials, err := common.NewProviderChain(chain).GetCredential()
	if err != nil {
		return nil, fmt.Errorf("find credentials: set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY: %w", err)
	}
	return credentials, nil
}
