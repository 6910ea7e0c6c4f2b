package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	prefixForm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	inboxForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)
	// keyMaterial is what people paste where a path is wanted: an nkey seed, a credentials or PEM file.
	keyMaterial = regexp.MustCompile(`^\s*(S[A-Z2-7]{57}\s*$|-----BEGIN)`)

	provisionWords = []string{ProvisionCreate, ProvisionVerify, ProvisionNone}
	serverSchemes  = []string{"nats", "tls", "ws", "wss"}
)

func (k *checker) nats(n NATS) {
	if problem := serverProblem(string(n.URL)); problem != "" {
		k.fault("nats.url", problem)
	}
	k.natsAuth(n)
	k.natsFiles(n)
	if !inboxForm.MatchString(n.Inbox) {
		k.fault("nats.inbox", show(n.Inbox)+" can't begin a subject; write 1 to 64 of A-Z a-z 0-9 _ -")
	}
	if !prefixForm.MatchString(n.Prefix) {
		k.fault("nats.prefix", show(n.Prefix)+" can't begin a subject; write 1 to 32 of a-z 0-9 -")
	}
	if !slices.Contains(provisionWords, n.Provision) {
		k.fault("nats.provision", show(n.Provision)+" is not known; write "+alternatives(provisionWords))
	}
	if n.Replicas != 1 && n.Replicas != 3 && n.Replicas != 5 {
		k.fault("nats.replicas", fmt.Sprintf("%d copies can't work; write 1, 3 or 5", n.Replicas))
	}
	for _, bound := range []struct {
		key  string
		size Size
	}{
		{"nats.max_bytes", n.MaxBytes}, {"nats.parked_max_bytes", n.ParkedMaxBytes}, {"nats.progress_max_bytes", n.ProgressMaxBytes},
	} {
		if least := Size(64 << 20); bound.size < least {
			k.fault(bound.key, fmt.Sprintf("%s is too small; write at least %s", bound.size, least))
		}
	}
}

func (k *checker) natsAuth(n NATS) {
	password, token := n.Password != "" || n.PasswordFile != "", n.Token != "" || n.TokenFile != ""
	if n.User != "" && !password && k.sound("nats.password") {
		k.fault("nats.user", "has no password; give nats.password, or give nats.token instead of a user")
	}
	if n.User == "" && password && k.sound("nats.user") {
		k.fault("nats.password", "has no user; give nats.user")
	}
	k.credential("nats.password", string(n.Password))
	k.credential("nats.token", string(n.Token))

	first := ""
	for _, way := range []struct {
		key   string
		given bool
	}{
		{"nats.url", strings.Contains(string(n.URL), "@")},
		{"nats.creds", n.Creds != ""},
		{"nats.nkey", n.NKey != ""},
		{"nats.user", n.User != ""},
		{"nats.token", token},
	} {
		switch {
		case way.given && first == "":
			first = way.key
		case way.given:
			k.clash(way.key, first, k.named(first)+" says already how to authenticate; keep one of them")
		}
	}
}

// named returns the key with the place where it was given.
func (k *checker) named(key string) string {
	if where := k.origin[key]; where != "" {
		return key + " (" + where + ")"
	}
	return key
}

// namedFile is a key that names a file, and the path in it.
type namedFile struct{ key, path string }

func (n NATS) files() []namedFile {
	return []namedFile{{"nats.creds", n.Creds}, {"nats.nkey", n.NKey}, {"nats.ca", n.CA}, {"nats.cert", n.Cert}, {"nats.key", n.Key}}
}

func (k *checker) natsFiles(n NATS) {
	for _, f := range n.files() {
		if keyMaterial.MatchString(f.path) {
			k.fault(f.key, "holds key material; write the path of a file that holds it")
		}
	}
	if n.Cert != "" && n.Key == "" && k.sound("nats.key") {
		k.fault("nats.cert", "has no key; give nats.key")
	}
	if n.Key != "" && n.Cert == "" && k.sound("nats.cert") {
		k.fault("nats.key", "has no certificate; give nats.cert")
	}
}

// serverProblem says why servers is no list of NATS servers, or nothing. It shows no part of it, as there may be a
// password in it.
func serverProblem(servers string) string {
	const form = "; write nats://host:4222, or several separated by commas"
	if strings.Contains(servers, mask+"@") {
		return "holds the mask of a printed configuration; write the address itself"
	}
	sockets := 0
	list := strings.Split(servers, ",")
	for i, server := range list {
		nth := fmt.Sprintf("server %d ", i+1)
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		switch {
		case err != nil || !validHost(u.Hostname()) || !validOptionalPort(u):
			return nth + "is not an address" + form
		case !slices.Contains(serverSchemes, u.Scheme):
			return nth + "has a scheme that is not known; write " + alternatives(serverSchemes)
		case u.RawQuery != "" || u.Fragment != "":
			return nth + "has a ? or # in it" + form
		case strings.Trim(u.Path, "/") != "" && !strings.HasPrefix(u.Scheme, "ws"):
			return nth + "has more than a host and a port" + form
		}
		if strings.HasPrefix(u.Scheme, "ws") {
			sockets++
		}
	}
	if sockets != 0 && sockets != len(list) {
		return "mixes ws:// and nats:// servers; write one kind only"
	}
	return ""
}

func (k *checker) edgeone(e EdgeOne) {
	if !accountForm.MatchString(e.Account) {
		k.fault("edgeone.account", show(e.Account)+" is no name for an account; write 1 to 64 of A-Z a-z 0-9 _ -")
	}
	if _, _, err := ParseEndpoint(e.Endpoint); err != nil {
		k.fault("edgeone.endpoint", err.Error())
	}
	if !slices.Contains(Versions(), e.Version) {
		k.fault("edgeone.version", show(e.Version)+" is not a version of the API; write "+alternatives(Versions()))
	}
	if e.Region != "" && !regionForm.MatchString(e.Region) {
		k.fault("edgeone.region", show(e.Region)+" is not a region; write one such as ap-guangzhou, or leave it empty")
	}
	k.span("edgeone.timeout", e.Timeout, 100*time.Millisecond, 10*time.Minute)
	k.edgeoneAuth(e)
	k.zones(e.Zones)
}

func (k *checker) edgeoneAuth(e EdgeOne) {
	id, key := e.SecretID != "" || e.SecretIDFile != "", e.SecretKey != "" || e.SecretKeyFile != ""
	if id && !key && k.sound("edgeone.secret_key") {
		k.fault("edgeone.secret_id", "has no key; give edgeone.secret_key too")
	}
	if key && !id && k.sound("edgeone.secret_id") {
		k.fault("edgeone.secret_key", "has no id; give edgeone.secret_id too")
	}
	token := e.Token != "" || e.TokenFile != ""
	if token && !id && !key && k.sound("edgeone.secret_id", "edgeone.secret_key") {
		k.fault("edgeone.token", "stands alone; give edgeone.secret_id and edgeone.secret_key of the same credentials")
	}
	k.credential("edgeone.secret_id", e.SecretID)
	k.credential("edgeone.secret_key", string(e.SecretKey))
	k.credential("edgeone.token", string(e.Token))
}

// alternatives joins words for a sentence: a, b or c.
func alternatives(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
