package broker

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"
)

// Dial says where the server is and how to authenticate, in the nats CLI's words. Empty fields are
// not used. Files are read at the first connect and again at each reconnect.
type Dial struct {
	URL            string // one server or several, separated by commas
	Context        string // name or path of a context of the nats CLI; the other fields add to it
	Creds          string // path
	NKey           string // path of a file with the seed
	User, Password string
	Token          string
	CA, Cert, Key  string // paths of PEM files
	Inbox          string // what the subjects of answers begin with; _INBOX where neither this nor the context says it

	// Timeout is how long an attempt to connect may take, for all servers together; 0: 5 seconds.
	Timeout time.Duration
	// Answer is how long one question to the server waits for its answer. Defaults to 5 s.
	Answer time.Duration
}

func (d Dial) connect(opts ...nats.Option) (*nats.Conn, error) {
	auth, err := d.options()
	if err != nil {
		return nil, err
	}
	opts = append(opts, auth...)
	if d.Context != "" {
		nc, _, err := natscontext.Connect(d.Context, opts...)
		if err != nil {
			return nil, fmt.Errorf("use context %q: %w", d.Context, err)
		}
		return nc, nil
	}
	return nats.Connect(d.URL, opts...)
}

func (d Dial) options() ([]nats.Option, error) {
	var opts []nats.Option
	for _, part := range d.parts() {
		opt, err := part.option()
		if err != nil {
			return nil, fmt.Errorf("use %s: %w", part.name, err)
		}
		opts = append(opts, opt)
	}
	if d.User != "" {
		opts = append(opts, nats.UserInfo(d.User, d.Password))
	}
	if d.Token != "" {
		opts = append(opts, nats.Token(d.Token))
	}
	if d.Inbox != "" {
		opts = append(opts, nats.CustomInboxPrefix(d.Inbox))
	}
	return opts, nil
}

// parts are the files that d names.
func (d Dial) parts() []part {
	var all []part
	add := func(path, name, unfit string, option func() (nats.Option, error)) {
		if path != "" {
			all = append(all, part{name, unfit, option})
		}
	}
	plain := func(o nats.Option) func() (nats.Option, error) {
		return func() (nats.Option, error) { return o, nil }
	}
	add(d.Creds, "nats.creds (NATS_CREDS)", "the file holds no seed of a user; name one that `nsc generate creds` wrote",
		plain(nats.UserCredentials(d.Creds)))
	add(d.NKey, "nats.nkey (NATS_NKEY)", "the file holds no seed of a user; it begins with SU",
		func() (nats.Option, error) { return nats.NkeyOptionFromSeed(d.NKey) })
	add(d.CA, "nats.ca (NATS_CA)", "the file holds no certificate in PEM form", plain(nats.RootCAs(d.CA)))
	add(d.Cert, "nats.cert (NATS_CERT) and nats.key (NATS_KEY)",
		"the files are no certificate and its key in PEM form; name two that belong together",
		plain(nats.ClientCert(d.Cert, d.Key)))
	return all
}
