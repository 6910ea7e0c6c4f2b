package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
)

// pair writes a certificate and its key.
func pair(t *testing.T, until time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		file(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// seed writes the seed of a user, or of somebody else.
func seed(t *testing.T, create func() (nkeys.KeyPair, error)) string {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	text, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return file(t, string(text))
}

func creds(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(seed(t, nkeys.CreateUser))
	if err != nil {
		t.Fatal(err)
	}
	return file(t, fmt.Sprintf("-----BEGIN NATS USER JWT-----\neyJ0eXAi.eyJqdGki.x\n------END NATS USER JWT------\n\n"+
		"-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n", text))
}

// goText is what only programmers understand.
var goText = regexp.MustCompile(`strconv\.|dial tcp|context deadline|invalid argument|json:|yaml:|no such host|nats: (?:no |timeout|Authoriz|API|error|failed|connection|invalid)|tls: |x509:|pflag|` +
	`unmarshal|nkeys:|lookup |parse "|%!|invalid character|\bEOF\b`)

// missing is a path at which there is nothing.
func missingFile(t *testing.T) string { return filepath.Join(t.TempDir(), "missing") }

// What keeps run from ever working, and can be seen on this machine, is refused by config check, and named.
func TestConfigCheck_RefusesWhatCanNotWork(t *testing.T) {
	cert, key := pair(t, time.Now().Add(time.Hour))
	old, oldKey := pair(t, time.Now().Add(-time.Hour))
	_, other := pair(t, time.Now().Add(time.Hour))
	junk, gone := file(t, "junk\n"), missingFile(t)
	user, operator := seed(t, nkeys.CreateUser), seed(t, nkeys.CreateOperator)
	none := map[string]string{"TENCENTCLOUD_SECRET_ID": "", "TENCENTCLOUD_SECRET_KEY": ""}
	with := func(more map[string]string, pairs ...string) map[string]string {
		all := map[string]string{}
		maps.Copy(all, more)
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		return all
	}
	context := func(content string) map[string]string {
		return map[string]string{"context": content, "NATS_CONTEXT": "it"}
	}
	vars := func(pairs ...string) map[string]string { return with(nil, pairs...) }
	for name, c := range map[string]struct {
		env  map[string]string
		want string // in the refusal; empty where there is none
	}{
		"nothing wrong":   {vars(), ""},
		"a sound context": {context(`{"url":"nats://127.0.0.1:1","user":"x","password":"y","nkey":""}`), ""},
		"a context without url": {
			context(`{"description":"x"}`), "",
		},
		"a context with creds":        {context(`{"creds":"` + creds(t) + `"}`), ""},
		"a context with certificates": {context(`{"cert":"` + cert + `","key":"` + key + `","ca":"` + cert + `"}`), ""},
		"creds":                       {vars("NATS_CREDS", creds(t)), ""},
		"an nkey":                     {vars("NATS_NKEY", user), ""},
		"certificates":                {vars("NATS_CERT", cert, "NATS_KEY", key, "NATS_CA", cert), ""},
		"a web socket with a path":    {vars("NATS_URL", "wss://a.example/nats"), ""},

		"an unknown context":        {vars("NATS_CONTEXT", "nope"), `there is no context "nope"`},
		"a context elsewhere":       {vars("NATS_CONTEXT", gone), gone},
		"no name of a context":      {vars("NATS_CONTEXT", "../x"), "no name of a context"},
		"a context that is no JSON": {context(`url: x`), "holds no JSON"},
		"a context of other kinds":  {context(`{"url":4222}`), "holds no JSON"},
		"a context with a bad url":  {context(`{"url":"nats//127.0.0.1"}`), "address can't be read"},
		"a context with a bad port": {context(`{"url":"nats://127.0.0.1:99999"}`), "address can't be read"},
		"a context whose creds are missing": {
			context(`{"creds":"` + gone + `"}`), gone,
		},
		"a context whose creds hold none":   {context(`{"creds":"` + junk + `"}`), "seed"},
		"a context whose nkey is missing":   {context(`{"nkey":"` + gone + `"}`), gone},
		"a context whose nkey holds none":   {context(`{"nkey":"` + junk + `"}`), "seed"},
		"a context whose ca is missing":     {context(`{"ca":"` + gone + `"}`), gone},
		"a context whose ca holds none":     {context(`{"ca":"` + junk + `"}`), "its ca"},
		"a context with another's key":      {context(`{"cert":"` + cert + `","key":"` + other + `"}`), "its cert and key"},
		"a context with too much":           {with(context(`{"nkey":"`+user+`"}`), "NATS_CREDS", creds(t)), "keep one"},
		"a context with an old certificate": {context(`{"cert":"` + old + `","key":"` + oldKey + `"}`), "has expired"},

		"no scheme's colon":      {vars("NATS_URL", "nats//127.0.0.1"), "NATS_URL"},
		"no scheme's slash":      {vars("NATS_URL", "nats:/127.0.0.1"), "NATS_URL"},
		"a path":                 {vars("NATS_URL", "nats://127.0.0.1/x"), "NATS_URL"},
		"the second of two":      {vars("NATS_URL", "nats://127.0.0.1,nats//127.0.0.2"), "NATS_URL"},
		"missing creds":          {vars("NATS_CREDS", gone), "NATS_CREDS"},
		"a directory for creds":  {vars("NATS_CREDS", t.TempDir()), "NATS_CREDS"},
		"junk for creds":         {vars("NATS_CREDS", junk), "NATS_CREDS"},
		"junk for an nkey":       {vars("NATS_NKEY", junk), "NATS_NKEY"},
		"an operator's nkey":     {vars("NATS_NKEY", operator), "NATS_NKEY"},
		"junk for a ca":          {vars("NATS_CA", junk), "NATS_CA"},
		"junk for a certificate": {vars("NATS_CERT", junk, "NATS_KEY", key), "NATS_CERT"},
		"another's key":          {vars("NATS_CERT", cert, "NATS_KEY", other), "NATS_KEY"},
		"an old certificate":     {vars("NATS_CERT", old, "NATS_KEY", oldKey), "has expired"},

		"no credentials":          {none, "TENCENTCLOUD_SECRET_ID"},
		"a missing profile":       {with(none, "TENCENTCLOUD_CREDENTIALS_FILE", gone), gone},
		"a profile without keys":  {with(none, "TENCENTCLOUD_CREDENTIALS_FILE", junk), junk},
		"an empty profile":        {with(none, "TENCENTCLOUD_CREDENTIALS_FILE", ""), "TENCENTCLOUD_CREDENTIALS_FILE"},
		"a profile at home":       {with(none, "home", "[default]\nsecret_id = a\n"), ".tencentcloud/credentials"},
		"a sound profile at home": {with(none, "home", "[default]\nsecret_id = a\nsecret_key = b\n"), ""},
		"half an identity":        {with(none, "TKE_WEB_IDENTITY_TOKEN_FILE", junk, "TKE_REGION", "x"), "TKE_PROVIDER_ID, TKE_ROLE_ARN"},
		"an identity without its token": {
			with(none, "TKE_WEB_IDENTITY_TOKEN_FILE", gone, "TKE_REGION", "x", "TKE_PROVIDER_ID", "x", "TKE_ROLE_ARN", "x"), "TKE_WEB_IDENTITY_TOKEN_FILE",
		},
		"half a key pair":     {vars("TENCENTCLOUD_SECRET_KEY", ""), "TENCENTCLOUD_SECRET_ID"},
		"a missing key file":  {vars("TENCENTCLOUD_SECRET_KEY", "", "TENCENTCLOUD_SECRET_KEY_FILE", gone), "TENCENTCLOUD_SECRET_KEY_FILE"},
		"an empty key file":   {vars("TENCENTCLOUD_SECRET_KEY", "", "TENCENTCLOUD_SECRET_KEY_FILE", file(t, "\n")), "TENCENTCLOUD_SECRET_KEY_FILE"},
		"a missing file":      {vars("EDGEPURGE_CONFIG", gone), gone},
		"a directory":         {vars("EDGEPURGE_CONFIG", filepath.Dir(junk)), filepath.Dir(junk)},
		"no YAML":             {vars("EDGEPURGE_CONFIG", file(t, "a: [\n")), "line"},
		"an unknown variable": {vars("EDGEPURGE_TRACKER_POLLMIN", "1s"), "EDGEPURGE_TRACKER_POLL_MIN"},
		"a Service's variables": {
			vars("EDGEPURGE_SERVICE_HOST", "10.0.0.1", "EDGEPURGE_PORT", "tcp://10.0.0.1:7480", "EDGEPURGE_PORT_7480_TCP_ADDR", "10.0.0.1"), "",
		},
		"two at once": {vars("NATS_CREDS", junk, "TENCENTCLOUD_SECRET_ID", "", "TENCENTCLOUD_SECRET_KEY", ""), "TENCENTCLOUD_SECRET_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("TENCENTCLOUD_SECRET_ID", "AKIDtest")
			t.Setenv("TENCENTCLOUD_SECRET_KEY", "verysecret")
			for name, value := range c.env {
				switch name {
				case "context":
					natsContext(t, "it", value)
				case "home":
					writeProfile(t, home, value)
				default:
					t.Setenv(name, value)
				}
			}
			code, out, errs := command(t, "", "config", "check")
			if c.want == "" {
				if code != exitOK || out != "ok\n" || errs != "" {
					t.Errorf("exit code %d, %q, %q; want ok", code, out, errs)
				}
				return
			}
			if code != exitUsage || out != "" || !strings.Contains(errs, c.want) {
				t.Errorf("exit code %d, %q, %q; want 2, and %q named", code, out, errs, c.want)
			}
			if text := goText.FindString(errs); text != "" {
				t.Errorf("got %q, with the error text of a library: %s", errs, text)
			}
			if strings.Contains(errs, "verysecret") {
				t.Errorf("got a secret: %s", errs)
			}
		})
	}
}

func writeProfile(t *testing.T, home, content string) {
	t.Helper()
	dir := filepath.Join(home, ".tencentcloud")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "credentials"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
