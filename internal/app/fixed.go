package app

import (
	"sync"

	"github.com/edgepurge/edgepurge/internal/config"
)

// fixed are the keys that a configuration names. A reload may put others in their place. It is safe for
// concurrent use.
type fixed struct {
	mu             sync.Mutex
	id, key, token string
}

func (f *fixed) set(cfg config.EdgeOne) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.id, f.key, f.token = cfg.SecretID, string(cfg.SecretKey), string(cfg.Token)
}

// GetCredential gives id, key and token that belong together.
func (f *fixed) GetCredential() (id, key, token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.id, f.key, f.token
}

// GetSecretId is a part of the SDK's interface.
func (f *fixed) GetSecretId() string { //nolint:revive,staticcheck // the SDK's spelling
	id, _, _ := f.GetCredential()
	return id
}

// GetSecretKey is a part of the SDK's interface.
func (f *fixed) GetSecretKey() string {
	_, key, _ := f.GetCredential()
	return key
}

// GetToken is a part of the SDK's interface.
func (f *fixed) GetToken() string {
	_, _, token := f.GetCredential()
	return token
}
