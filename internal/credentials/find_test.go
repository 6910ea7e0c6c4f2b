package credentials

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/trouble"
)

func TestCredentials_OfTheConfigurationComeFirst(t *testing.T) {
	t.Setenv(tkeTokenFile, "/nowhere")
	c, err := Find(Pair{ID: "AKIDTEST", Key: "key", Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	if id, key, token := c.GetCredential(); id != "AKIDTEST" || key != "key" || token != "token" {
		t.Errorf("got %q, %q, %q, want those of the configuration", id, key, token)
	}
}

func TestCredentials_OfAProviderThatIsFaultyAreNoConfigError(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{tkeTokenFile, common.EnvCredentialFile} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "/nowhere")
			c, err := Find(Pair{})
			if err != nil {
				t.Fatalf("got %v, want to keep trying", err)
			}
			k, ok := c.(*Provided)
			if !ok {
				t.Fatalf("got %T, want the keys of a provider", c)
			}
			if err := k.renew(); err == nil || k.Missing() == nil {
				t.Errorf("got %v and %v, want to be told why there are none", err, k.Missing())
			}
			if why := k.Missing(); why == nil || !strings.Contains(why.Error(), "TENCENTCLOUD_SECRET_ID") {
				t.Errorf("got the reason %v, want what to do about it", why)
			}
		})
	}
}

func TestKeys_AreLookedForUntilTheyAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		k := NewProvided(func() (common.CredentialIface, error) {
			if asked++; asked < 5 {
				return nil, errors.New("away")
			}
			return common.NewTokenCredential("id", "key", "token"), nil
		})
		if id, _, _ := k.GetCredential(); id != "" || k.Missing() == nil {
			t.Errorf("got %q and %v, want none and why", id, k.Missing())
		}
		if err := k.Await(t.Context(), trouble.New(zap.NewNop()).On("waiting", "")); err != nil {
			t.Fatal(err)
		}
		if id, key, token := k.GetCredential(); id != "id" || key != "key" || token != "token" || k.Missing() != nil {
			t.Errorf("got %q, %q, %q and %v, want those of the provider", id, key, token, k.Missing())
		}
		if asked != 5 {
			t.Errorf("asked %d times, want 5", asked)
		}
	})
}

// stuck is a credential whose provider answers when it is let.
type stuck struct {
	common.CredentialIface
	let chan struct{}
}

func (s stuck) GetCredential() (id, key, token string) {
	<-s.let
	return s.CredentialIface.GetCredential()
}

func TestKeys_HoldUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{}, 1) // capacity 1: the first answer is let at once
		let <- struct{}{}
		k := NewProvided(func() (common.CredentialIface, error) {
			return stuck{common.NewTokenCredential("id", "key", "token"), let}, nil
		})
		if id, _, _ := k.GetCredential(); id != "id" {
			t.Fatalf("got %q, want the keys", id)
		}
		time.Sleep(freshFor)
		for i, want := range []time.Duration{answerWithin, 0, 0} { // the others don't ask beside the first
			start := time.Now()
			if id, _, _ := k.GetCredential(); id != "id" || k.Missing() != nil {
				t.Errorf("got %q and %v, want the last keys", id, k.Missing())
			}
			if took := time.Since(start); took != want {
				t.Errorf("call %d took %v, want %v", i, took, want)
			}
		}
		close(let)
	})
}
