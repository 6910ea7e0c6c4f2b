package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxBody is what a POST signed with v3 may carry (EdgeOne API docs, Request Structure).
	maxBody = 10 << 20
	// maxDrain is how much more of a body that is too large is read, so that its sender gets to read the answer.
	maxDrain = 64 << 20
)

var errTooLarge = errors.New("request body exceeds 10 MB")

// meta ends every answer.
type meta struct {
	RequestID string `json:"RequestId"`
}

// envelope wraps every answer; API errors too have HTTP status 200.
type envelope struct {
	Response any
}

type errorResponse struct {
	Error *refusal
	meta
}

// reply is an answer on its way out.
type reply struct {
	status int
	kind   string // content type
	body   []byte
	after  time.Duration // what it waits for beyond the latency
	hangUp bool          // close the connection instead of answering
}

const jsonType = "application/json"

// answer wraps what an action returned.
func answer(id string, response any, r *refusal) reply {
	if r != nil {
		response = errorResponse{Error: r, meta: meta{RequestID: id}}
	}
	body, err := json.Marshal(envelope{Response: response})
	if err != nil {
		return reply{status: http.StatusInternalServerError, kind: "text/plain", body: []byte(err.Error())}
	}
	return reply{status: http.StatusOK, kind: jsonType, body: body}
}

// readBody reads a whole body. The error is errTooLarge, or tells that the client has gone.
func readBody(r *http.Request, into *bytes.Buffer) error {
	if n := r.ContentLength; n > 0 && n <= maxBody {
		into.Grow(int(n) + bytes.MinRead)
	}
	n, err := into.ReadFrom(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return fmt.Errorf("read request body: %w", err)
	}
	if n <= maxBody {
		return nil
	}
	if _, err := io.CopyN(io.Discard, r.Body, maxDrain); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read request body: %w", err)
	}
	return errTooLarge
}

// send writes a reply. A client that has gone is no fault of anyone's.
func (p reply) send(w http.ResponseWriter) {
	if p.hangUp {
		hangUp(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", p.kind)
	h.Set("Content-Length", strconv.Itoa(len(p.body)))
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body)
}

// hangUp closes the connection without an answer: by a reset where it is TCP. Where the connection can't be had
// (HTTP/2, a recorder) the client is told 502 instead.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// newRequestID makes a version 4 UUID.
func newRequestID() string {
	hi, lo := rand.Uint64(), rand.Uint64()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&(1<<48-1))
}
