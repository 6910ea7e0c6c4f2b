package client_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/e2e/kit"
)

// The variables that make a process of this test program a producer, and not a test.
const (
	childServer = "EDGEPURGE_TEST_SERVER"
	childCalls  = "EDGEPURGE_TEST_CALLS"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childServer); url != "" {
		os.Exit(produce(url))
	}
	kit.Parallel(16)
	os.Exit(m.Run())
}

// produce calls Purge from 64 goroutines until it is killed, or once and ends, and prints each id once its call returned.
func produce(url string) int {
	nc, err := nats.Connect(url)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c, err := client.New(nc, client.Config{Source: "ghost"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	call := func(n int) error {
		id, err := c.Purge(context.Background(), numbered(n))
		if err == nil {
			_, err = fmt.Println(id)
		}
		return err
	}
	if os.Getenv(childCalls) == "1" {
		err = call(0)
	} else {
		var calls errgroup.Group
		for g := range callers {
			calls.Go(func() error {
				for n := g; ; n += callers {
					if err := call(n); err != nil {
						return err
					}
				}
			})
		}
		err = calls.Wait()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (w *world) child(calls string) (*exec.Cmd, *bufio.Scanner) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childServer+"="+w.nats.URL, childCalls+"="+calls)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// stores wants every id that was printed in the stream.
func (w *world) stores(ids []string) {
	w.t.Helper()
	stored := make(map[string]bool)
	for _, m := range w.messages() {
		stored[m.id()] = true
	}
	for _, id := range ids {
		if !stored[id] {
			w.t.Errorf("Purge returned nil for %s, which is not stored", id)
		}
	}
}

func TestPurge_WhatItReturnedOutlivesAKilledProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cmd, out := w.child("")
	var ids []string
	for out.Scan() {
		if ids = append(ids, out.Text()); len(ids) == 1000 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(ids) < 1000 {
		t.Fatalf("the child ended after %d calls, want 1,000 or more", len(ids))
	}
	w.stores(ids)
}

func TestPurge_WhatItReturnedOutlivesAProcessThatEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for range 3 {
		cmd, out := w.child("1")
		if !out.Scan() {
			t.Fatal("the child said nothing")
		}
		id := out.Text()
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		w.stores([]string{id})
	}
}
