package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// keysWithin bounds how long a provider may hold up who asks for keys; the SDK sets no limit.
	keysWithin = 5 * time.Second
	// keysFresh is how long keys are given out before their provider is asked again, which renews them
	// 5 minutes before their end (SDK, ExpiredTimeout).
	keysFresh = 30 * time.Second
)

// keys are credentials of a provider. Nobody waits for it longer than keysWithin; while it is away the
// last keys are given out. It is safe for concurrent use.
type keys struct {
	find   func() (common.CredentialIface, error)
	asking chan struct{} // capacity 1: the provider is asked

	mu             sync.Mutex
	source         common.CredentialIface // nil until it was found
	id, key, token string
	asked          time.Time // when the provider last answered
	err            error     // why there are no keys; nil once there are
}

func newKeys(find func() (common.CredentialIface, error)) *keys {
	return &keys{find: find, asking: make(chan struct{}, 1), err: errors.New("not looked for yet")}
}

// GetCredential gives id, key and token that belong together; empty ones while there are none.
func (k *keys) GetCredential() (id, key, token string) {
	_ = k.renew() // kept, for readiness to tell
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.id, k.key, k.token
}

// GetSecretId is a part of the SDK's interface.
func (k *keys) GetSecretId() string { //nolint:revive,staticcheck // the SDK's spelling
	id, _, _ := k.GetCredential()
	return id
}

// GetSecretKey is a part of the SDK's interface.
func (k *keys) GetSecretKey() string {
	_, key, _ := k.GetCredential()
	return key
}

// GetToken is a part of the SDK's interface.
func (k *keys) GetToken() string {
	_, _, token := k.GetCredential()
	return token
}

// renew asks the provider for keys unless those at hand are fresh, and returns why there are none.
func (k *keys) renew() error {
	k.mu.Lock()
	err, fresh := k.err, k.err == nil && time.Since(k.asked) < keysFresh
	k.mu.Unlock()
	if fresh {
		return nil
	}
	select {
	case k.asking <- struct{}{}:
	default: // somebody else asks
		return err
	}
	done := make(chan error, 1) // capacity 1: the answer may come when nobody waits any more
	go func() {
		defer func() { <-k.asking }()
		done <- k.ask()
	}()
	timer := time.NewTimer(keysWithin)
	defer timer.Stop()
	select {
	case err = <-done:
	case <-timer.C:
		err = k.note(fmt.Errorf("no answer within %v", keysWithin))
	}
	return err
}

func (k *keys) ask() error {
	k.mu.Lock()
	source := k.source
	k.mu.Unlock()
	if source == nil {
		var err error
		if source, err = k.find(); err != nil {
			return k.note(err)
		}
	}
	id, key, token := source.GetCredential()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.source, k.id, k.key, k.token = source, id, key, token
	k.asked, k.err = time.Now(), nil
	return nil
}

// note keeps why there are no keys; where there are some, they are good until EdgeOne refuses them.
func (k *keys) note(err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.source == nil {
		k.err = err
	}
	return k.err
}

// missing tells why there are no keys, nil when there are.
func (k *keys) missing() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		return nil
	}
	return fmt.Errorf("no credentials: %w; set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or see to what provides them", k.err)
}

// await asks until there are keys: a replica without any should leave the lease to one that has some.
// It returns the context's cause when that ends first.
func (k *keys) await(ctx context.Context, waiting *trouble.Trouble) error {
	for {
		err := k.renew()
		if err == nil {
			waiting.Over()
			return nil
		}
		waiting.Failed(err)
		wait.Sleep(ctx, again)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// keyless gives the reason why this replica has no keys, none when it has.
func (a *App) keyless() []string {
	if k, ok := a.credentials.(*keys); ok && k.missing() != nil {
		return []string{k.missing().Error()}
	}
	return nil
}
