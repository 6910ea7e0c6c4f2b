package credentials

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
	// answerWithin bounds how long a caller waits for a provider; the SDK sets no limit.
	answerWithin = 5 * time.Second
	// freshFor is how long keys are used before their provider is asked again. It renews them 5 minutes before
	// they expire (SDK, ExpiredTimeout).
	freshFor = 30 * time.Second
	// retryWait is between two attempts to get the first keys.
	retryWait = time.Second
)

// Provided are the keys of the provider chain. Nobody waits for a provider longer than 5 s; while it is away its last
// keys are used. It is safe for concurrent use.
type Provided struct {
	find   func() (common.CredentialIface, error)
	asking chan struct{} // capacity 1: the provider is asked

	mu             sync.Mutex
	source         common.CredentialIface // nil until it was found
	id, key, token string
	asked          time.Time // when the provider last answered
	err            error     // why there are no keys; nil once there are
}

// NewProvided returns the keys of what find finds, which is asked until it finds something.
func NewProvided(find func() (common.CredentialIface, error)) *Provided {
	return &Provided{find: find, asking: make(chan struct{}, 1), err: errors.New("not looked for yet")}
}

// GetCredential returns id, key and token that belong together; empty ones while there are none.
func (k *Provided) GetCredential() (id, key, token string) {
	_ = k.renew() // kept for Missing
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.id, k.key, k.token
}

// GetSecretId is a part of the SDK's interface.
func (k *Provided) GetSecretId() string { //nolint:revive,staticcheck // the SDK's spelling
	id, _, _ := k.GetCredential()
	return id
}

// GetSecretKey is a part of the SDK's interface.
func (k *Provided) GetSecretKey() string {
	_, key, _ := k.GetCredential()
	return key
}

// GetToken is a part of the SDK's interface.
func (k *Provided) GetToken() string {
	_, _, token := k.GetCredential()
	return token
}

// renew asks the provider for keys unless those at hand are fresh, and returns why there are none.
func (k *Provided) renew() error {
	k.mu.Lock()
	err, fresh := k.err, k.err == nil && time.Since(k.asked) < freshFor
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
	timer := time.NewTimer(answerWithin)
	defer timer.Stop()
	select {
	case err = <-done:
	case <-timer.C:
		err = k.note(fmt.Errorf("no answer within %v", answerWithin))
	}
	return err
}

func (k *Provided) ask() error {
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
func (k *Provided) note(err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.source == nil {
		k.err = err
	}
	return k.err
}

// Missing returns why there are no keys, nil if there are.
func (k *Provided) Missing() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		return nil
	}
	return fmt.Errorf("no credentials: %w; set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or see to what provides them", k.err)
}

// Await asks until there are keys: a replica without any should leave the lease to one that has some. It returns the
// context's cause if that ends first.
func (k *Provided) Await(ctx context.Context, waiting *trouble.Trouble) error {
	for {
		err := k.renew()
		if err == nil {
			waiting.Over()
			return nil
		}
		waiting.Failed(err)
		if !wait.Sleep(ctx, retryWait) {
			return context.Cause(ctx)
		}
	}
}
