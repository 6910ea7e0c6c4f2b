package main

import (
	"net"
	"testing"
	"time"
)

// echo answers every connection with what it says.
func echo(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				buf := make([]byte, 16)
				for {
					n, err := c.Read(buf)
					if err != nil {
						_ = c.Close()
						return
					}
					_, _ = c.Write(buf[:n])
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestLink_HangsRefusesAndCuts(t *testing.T) {
	t.Parallel()
	l, err := newLink(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	dial := func() net.Conn {
		t.Helper()
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	// says tells whether the echo comes back in time.
	says := func(c net.Conn, wait time.Duration) bool {
		_, _ = c.Write([]byte("x"))
		_ = c.SetReadDeadline(time.Now().Add(wait))
		n, _ := c.Read(make([]byte, 1))
		return n == 1
	}
	c := dial()
	if !says(c, 10*time.Second) {
		t.Error("an open link carries nothing")
	}
	l.set(hanging)
	if says(c, 100*time.Millisecond) {
		t.Error("a hanging link carries bytes")
	}
	l.set(open)
	if !says(c, 10*time.Second) {
		t.Error("a link that hung does not go on")
	}
	c = dial()
	if !says(c, 10*time.Second) {
		t.Error("an open link carries nothing")
	}
	l.cut()
	if says(c, time.Second) {
		t.Error("a cut link carries bytes")
	}
	l.set(refused)
	if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.address()); err == nil && says(c, time.Second) {
		t.Error("a link that refuses carries bytes")
	}
	l.set(open)
	if !says(dial(), 10*time.Second) {
		t.Error("a link that refused does not go on")
	}
}
