package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/submit"
	"github.com/edgepurge/edgepurge/purge"
)

func (w *world) broker() *broker.Broker {
	w.t.Helper()
	b, err := broker.Connect(app.Dial(w.cfg), app.Settings(w.cfg), zap.NewNop())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(b.Close)
	return b
}

func TestSubmit_TheSameNameDoesOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	b := w.broker()
	o := submit.Order{Name: "release", Source: "cli", Lane: purge.Bulk, Type: purge.URL}
	for i := range 50 {
		o.Targets = append(o.Targets, url(i))
	}
	half := o
	half.Targets = o.Targets[:20]
	if _, err := submit.Publish(t.Context(), b, half.Requests()); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.completed(20)

	told := 0
	res, err := submit.Wait(t.Context(), b, o.Requests(), func(purge.Outcome) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	if res.Requests != 50 || res.Completed != 50 || told != 50 {
		t.Errorf("got %+v, told %d, want 50 completed", res, told)
	}
	w.completed(50)
	if s := w.api.Stats(); s.Targets != 50 {
		t.Errorf("%d targets submitted, want 50: none twice", s.Targets)
	}
}

func TestSubmit_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision() // and no worker
	b := w.broker()
	o := submit.Order{Name: "n", Source: "cli", Lane: purge.Bulk, Type: purge.URL, Targets: []string{url(1)}}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		res, err := submit.Wait(ctx, b, o.Requests(), func(purge.Outcome) {})
		if !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		if res.Completed != 0 || res.Failed != 0 {
			t.Errorf("got %+v, want nothing ended", res)
		}
	})
	w.until("the request to be stored", func() bool { return w.count("PURGE_REQUESTS") == 1 })
	cancel(cause)
	done.Wait()
}

func TestSubmit_WithoutStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := submit.Order{Name: "n", Source: "cli", Lane: purge.Bulk, Type: purge.URL, Targets: []string{url(1)}}
	_, err := submit.Publish(t.Context(), w.broker(), o.Requests())
	if err == nil || fmt.Sprint(err) != "stream PURGE_REQUESTS does not exist: run `edgepurge setup`, or start a worker" {
		t.Errorf("got %v, want what to do about it", err)
	}
}
