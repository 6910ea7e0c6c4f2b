package app

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/credentials"
)

// Check reports everything that keeps a worker with this configuration from ever working and that can be seen on this
// machine: what [broker.Dial.Check] reports, missing or unusable credentials, and a proxy that can't be one. Its error
// has one line for each. It connects to nothing, but looks up one name where no credentials are configured, for up to
// 5 s: a machine of Tencent Cloud may have a role.
func Check(cfg config.Config) error {
	return errors.Join(Dial(cfg).Check(), credentials.Check(account.Keys(cfg.EdgeOne)), checkProxy(cfg.EdgeOne))
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
