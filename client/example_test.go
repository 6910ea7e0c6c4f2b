package client_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/purge"
)

// installation runs a NATS server and a worker for an example, with an emulator in EdgeOne's place.
func installation() (url string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "edgepurge-example-")
	if err != nil {
		return "", nil, err
	}
	token := rand.Text() // a client whose server is no more may come to this one, which got its port
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir,
		Authorization: token,
	})
	if err != nil {
		return "", nil, err
	}
	go s.Start()
	if !s.ReadyForConnections(patience) {
		return "", nil, errors.New("nats is not ready")
	}
	url = "nats://" + token + "@" + s.Addr().String()
	end, err := work(url)
	if err != nil {
		return "", nil, err
	}
	return url, func() {
		_ = end()
		s.Shutdown()
		s.WaitForShutdown()
		_ = os.RemoveAll(dir)
	}, nil
}

// A program asks for a purge and goes on: once the call returns, the request is stored.
func Example() {
	url, stop, err := installation() // yours is there already
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()

	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()
	c, err := client.New(nc, client.Config{Source: "ghost"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close(context.Background()) }()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	id, err := c.Purge(ctx, purge.Request{
		ID:      "post-4711-r3", // of this change; the same again is not purged again
		Targets: []string{"https://www.example.com/blog/hello/"},
	})
	fmt.Println(id, err)
	// Output: post-4711-r3 <nil>
}

func ExampleClient_PurgeAndWait() {
	url, stop, err := installation()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()
	c, err := client.New(nc, client.Config{Source: "ghost"})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	outcome, err := c.PurgeAndWait(ctx, purge.Request{
		Targets: []string{"https://www.example.com/", "ftp://www.example.com/"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcome.Status, outcome.Targets.Succeeded, "of", outcome.Targets.Total)
	for _, f := range outcome.Failures {
		fmt.Println(f.Target, f.Code)
	}
	// Output:
	// partial 1 of 2
	// ftp://www.example.com/ InvalidTarget
}

// Many requests go out fast from many goroutines.
func ExampleClient_Purge_many() {
	url, stop, err := installation()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()
	c, err := client.New(nc, client.Config{Source: "crawler", Lane: purge.Bulk})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	targets := make(chan string)
	var workers sync.WaitGroup
	for range 64 {
		workers.Go(func() {
			for target := range targets {
				if _, err := c.Purge(ctx, purge.Request{Targets: []string{target}}); err != nil {
					fmt.Println(target, err)
				}
			}
		})
	}
	for n := range 1000 {
		targets <- fmt.Sprintf("https://www.example.com/%d", n)
	}
	close(targets)
	workers.Wait()
	ended := 0
	for _, err := range c.Events(ctx, client.From{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if ended++; ended == 1000 {
			break
		}
	}
	fmt.Println(ended, "ended")
	// Output: 1000 ended
}

// What to do about an error.
func ExampleClient_Purge_errors() {
	publish := func(ctx context.Context, c *client.Client, r purge.Request) error {
		_, err := c.Purge(ctx, r)
		reason, invalid := errors.AsType[*purge.Reason](err)
		switch {
		case err == nil:
			return nil // stored, once, whatever happens now
		case invalid:
			return fmt.Errorf("mend %s: %s", reason.Field, reason.Message) // sent nothing
		case errors.Is(err, client.ErrTooLarge):
			return errors.New("cut it into several requests")
		case errors.Is(err, client.ErrFull):
			return errors.New("slow down, and try again in a while")
		case errors.Is(err, client.ErrNoStream), errors.Is(err, client.ErrDenied):
			return fmt.Errorf("tell an operator: %w", err)
		}
		return fmt.Errorf("may be stored; try again with the same id: %w", err)
	}
	c, err := client.New(new(nats.Conn), client.Config{Source: "ghost"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(publish(context.Background(), c, purge.Request{Targets: []string{"/about/"}}))
	// Output: mend targets[0]: the URL must begin with http:// or https://
}

func ExampleClient_Events() {
	follow := func(ctx context.Context, c *client.Client, last uint64, note func(client.Event) error) error {
		for e, err := range c.Events(ctx, client.From{After: last}) {
			if err != nil {
				return err
			}
			if err := note(e); err != nil { // the sequence too, in one transaction: it is the next last
				return err
			}
		}
		return nil
	}
	_ = follow
}

func ExampleClient_In() {
	c, err := client.New(new(nats.Conn), client.Config{Source: "ghost"})
	if err != nil {
		fmt.Println(err)
		return
	}
	urgent, rest := c, c.In(purge.Bulk) // one client, two lanes
	_, _ = urgent, rest
}
