package kit_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
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
	l := kit.StartLink(t, echo(t))
	dial := func() net.Conn {
		t.Helper()
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Address())
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
	l.Set(kit.Held)
	if says(c, 100*time.Millisecond) {
		t.Error("a hanging link carries bytes")
	}
	l.Set(kit.Open)
	if !says(c, 10*time.Second) {
		t.Error("a link that hung does not go on")
	}
	c = dial()
	if !says(c, 10*time.Second) {
		t.Error("an open link carries nothing")
	}
	l.Mute()
	if says(c, 100*time.Millisecond) {
		t.Error("a muted connection brings answers")
	}
	c = dial()
	if !says(c, 10*time.Second) {
		t.Error("a connection made after Mute brings no answers")
	}
	l.Cut()
	if says(c, time.Second) {
		t.Error("a cut link carries bytes")
	}
	l.Set(kit.Refused)
	if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Address()); err == nil && says(c, time.Second) {
		t.Error("a link that refuses carries bytes")
	}
	l.Set(kit.Open)
	if !says(dial(), 10*time.Second) {
		t.Error("a link that refused does not go on")
	}
}

func TestLink_JoinsAsItIsToldTo(t *testing.T) {
	t.Parallel()
	l := kit.StartJoin(t, echo(t), func(near, far net.Conn) {
		data := make([]byte, 1)
		_, _ = near.Read(data)
		_, _ = far.Write([]byte("y"))
		_, _ = far.Read(data)
		_, _ = near.Write(data)
	})
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = c.Write([]byte("x"))
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if got, err := io.ReadAll(c); string(got) != "y" || err != nil {
		t.Errorf("got %q, %v, want what join makes of it, and the end", got, err)
	}
}
