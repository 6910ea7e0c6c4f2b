package broker

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Check reports everything that keeps the connection that d names from ever working, without
// connecting: a context that does not exist or can't be read, files that are missing or hold
// something else, a certificate without its key, an address that is none. Its error has one line
// for each. It runs nsc where a context asks for that.
func (d Dial) Check() error {
	var all []error
	for _, part := range d.parts() {
		if err := part.check(); err != nil {
			all = append(all, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	if len(all) > 0 {
		return errors.Join(all...)
	}
	err := d.rehearse()
	if err != nil && d.Context != "" {
		return fmt.Errorf("nats.context (NATS_CONTEXT): %w", inContext(d.Context, err))
	}
	return err
}

// part is one way to authenticate, as it was configured.
type part struct {
	name   string // its key and its variable
	unfit  string // what is wrong where its file can be read and still does not do
	option func() (nats.Option, error)
}

// check reads what the part names.
func (p part) check() error {
	option, err := p.option()
	var o nats.Options
	if err == nil {
		err = option(&o)
	}
	if err == nil {
		err = readable(&o)
	}
	if err == nil {
		return nil
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w; name a file that can be read", path.Path, path.Err)
	}
	if own, ok := errors.AsType[*unfit](err); ok {
		return own
	}
	return errors.New(p.unfit)
}

// unfit says why something can't be used, in words for people.
type unfit struct{ why string }

func (u *unfit) Error() string { return u.why }

// readable reads what the client library reads only when it connects.
func readable(o *nats.Options) error {
	if o.UserJWT != nil {
		if _, err := o.UserJWT(); err != nil {
			return err
		}
	}
	if o.SignatureCB != nil {
		if _, err := o.SignatureCB([]byte("nonce")); err != nil {
			return err
		}
	}
	if o.TLSCertCB == nil {
		return nil
	}
	cert, err := o.TLSCertCB()
	if err != nil {
		return err
	}
	if leaf, err := x509.ParseCertificate(cert.Certificate[0]); err == nil && time.Now().After(leaf.NotAfter) {
		return &unfit{"the certificate has expired, on " + leaf.NotAfter.UTC().Format(time.RFC3339) + "; renew it"}
	}
	return nil
}

var errNotDialed = errors.New("not dialed")

// nobody is a dialer that reaches no server.
type nobody struct{}

func (nobody) Dial(string, string) (net.Conn, error) { return nil, errNotDialed }

// rehearse goes all the way to a connection but for dialing.
func (d Dial) rehearse() error {
	var seen *nats.Options
	nc, err := d.connect(nats.SetCustomDialer(nobody{}), nats.SkipHostLookup(), func(o *nats.Options) error {
		seen = o
		return nil
	})
	if err == nil { // never: there is nobody
		nc.Close()
		return nil
	}
	if seen != nil {
		for _, server := range seen.Servers {
			if !isAddress(server) {
				return &unfit{"the server's address can't be read; " +
					"write nats://host:4222 in NATS_URL, or in the url in the context"}
			}
		}
	}
	if errors.Is(err, errNotDialed) || errors.Is(err, nats.ErrNoServers) {
		return readable(seen)
	}
	return err
}

// isAddress reports whether the client library can read an address of a server. None is its
// default.
func isAddress(server string) bool {
	if server == "" {
		return true
	}
	if !strings.Contains(server, "://") {
		server = "nats://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || !strings.HasPrefix(u.Scheme, "ws") && strings.Trim(u.Path, "/") != "" {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}

// inContext says what is wrong with a context of the nats CLI. It shows nothing of it but paths:
// there may be a password in every other part (I6).
func inContext(name string, err error) error {
	why := "it can't be used"
	path, isPath := errors.AsType[*fs.PathError](err)
	own, isOwn := errors.AsType[*unfit](err)
	text := err.Error()
	switch {
	case strings.Contains(text, "unknown context"):
		return fmt.Errorf("there is no context %q; `nats context ls` lists those there are", name)
	case strings.Contains(text, "invalid context name"):
		return fmt.Errorf("%q is no name of a context; write a name, or the whole path of its file from / on", name)
	case isPath:
		why = fmt.Sprintf("%s: %v", path.Path, path.Err)
	case isOwn:
		why = own.why
	case errors.Is(err, os.ErrNotExist):
		why = "it names a file that does not exist"
	case isJSON(err):
		why = "its file holds no JSON as the nats CLI writes it"
	case errors.Is(err, nats.ErrNkeyAndUser):
		why = "it names an nkey beside credentials; keep one of them"
	case strings.Contains(text, "root certificate"):
		why = "its ca holds no certificate in PEM form"
	case strings.Contains(text, "client certificate"):
		why = "its cert and key are no certificate and its key in PEM form"
	case strings.Contains(text, "nsc"):
		why = "nsc does not give what it names under nsc"
	case strings.Contains(text, "windows"):
		why = "certificate stores of Windows are not supported"
	case strings.Contains(text, "nkey"), strings.Contains(text, "seed"), strings.Contains(text, "key pair"):
		why = "its creds or nkey hold no user's seed"
	}
	return fmt.Errorf("context %q: %s; see `nats context show`", name, why)
}

func isJSON(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, kind := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || kind
}
