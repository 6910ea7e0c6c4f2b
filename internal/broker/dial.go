package broker

import (
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"
)

// Dial says where the server is and how to authenticate, in the nats CLI's words. Empty fields are not
// used. Files are read at the first connect and again at each reconnect.
type Dial struct {
	URL            string // one server or several, separated by commas
	Context        string // name or path of a context of the nats CLI; the other fields add to it
	Creds          string // path
	NKey           string // path of a file with the seed
	User, Password string
	Token          string
	CA, Cert, Key  string // paths of PEM files
	Inbox          string // what the subjects of answers begin with; _INBOX where neither this nor the context says it
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
	if d.Creds != "" {
		opts = append(opts, nats.UserCredentials(d.Creds))
	}
	if d.NKey != "" {
		opt, err := nats.NkeyOptionFromSeed(d.NKey)
		if err != nil {
			return nil, fmt.Errorf("read nkey seed in %s: %w", d.NKey, err)
		}
		opts = append(opts, opt)
	}
	if d.User != "" {
		opts = append(opts, nats.UserInfo(d.User, d.Password))
	}
	if d.Token != "" {
		opts = append(opts, nats.Token(d.Token))
	}
	if d.CA != "" {
		opts = append(opts, nats.RootCAs(d.CA))
	}
	if d.Cert != "" {
		opts = append(opts, nats.ClientCert(d.Cert, d.Key))
	}
	if d.Inbox != "" {
		opts = append(opts, nats.CustomInboxPrefix(d.Inbox))
	}
	return opts, nil
}
