package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "TC3-HMAC-SHA256"
	service    = "teo"
	terminator = "tc3_request"
	// maxSkew is how far a call's time stamp may be from now (EdgeOne API docs, Error Codes: SignatureExpire).
	maxSkew = 5 * time.Minute
)

// authorization is the Authorization header in its parts.
type authorization struct {
	secretID  string
	date      string
	service   string
	end       string
	signed    []string // names of the signed headers, as listed
	signature string
}

// parseAuthorization reads `TC3-HMAC-SHA256 Credential=ID/DATE/SERVICE/tc3_request, SignedHeaders=a;b,
// Signature=HEX`, each part once, in any order.
func parseAuthorization(header string) (a authorization, ok bool) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return a, false
	}
	parts := make(map[string]string, 3)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, again := parts[name]; again || !ok {
			return a, false
		}
		parts[name] = value
	}
	scope := strings.Split(parts["Credential"], "/")
	if len(parts) != 3 || len(scope) != 4 || slices.Contains(scope, "") {
		return a, false
	}
	a = authorization{
		secretID: scope[0], date: scope[1], service: scope[2], end: scope[3],
		signed: strings.Split(parts["SignedHeaders"], ";"), signature: parts["Signature"],
	}
	return a, properHeaders(a.signed) && properSignature(a.signature)
}

// properHeaders tells whether a list of signed headers is lower case, sorted without repeats, and has the two
// that must be signed.
func properHeaders(names []string) bool {
	for i, name := range names {
		if name == "" || name != strings.ToLower(name) || i > 0 && names[i-1] >= name {
			return false
		}
	}
	return slices.Contains(names, "content-type") && slices.Contains(names, "host")
}

func properSignature(s string) bool {
	return len(s) == hex.EncodedLen(sha256.Size) && strings.Trim(s, "0123456789abcdef") == ""
}

// authenticate verifies who calls, as the API docs' page on signature v3 tells.
func (e *Emulator) authenticate(c *call) *refusal {
	a := c.auth
	if !c.authOK {
		return refuse(codeInvalidAuthorization, "The Authorization header is missing or not of the form of %s.", algorithm)
	}
	if a.secretID != e.cfg.SecretID {
		if !strings.HasPrefix(a.secretID, "AKID") {
			return refuse(codeInvalidSecretID, "The SecretId is not the id of an API key.")
		}
		return refuse(codeSecretIDNotFound, "The SecretId is not found. Please ensure that your SecretId is correct.")
	}
	seconds, err := strconv.ParseInt(c.header.Get("X-TC-Timestamp"), 10, 64)
	if err != nil {
		return refuse(codeInvalidParameter, "The value of the parameter `Timestamp` is not an integer.")
	}
	// Compared in seconds: a Duration can't hold the distance to every time stamp.
	if now := time.Now().Unix(); seconds < now-int64(maxSkew/time.Second) || seconds > now+int64(maxSkew/time.Second) {
		return refuse(codeSignatureExpire, "The difference between Timestamp and the server time exceeds 5 minutes.")
	}
	date := time.Unix(seconds, 0).UTC().Format(time.DateOnly)
	if a.date != date || !slices.Contains(services(c.host), a.service) || a.end != terminator {
		return refuse(codeInvalidAuthorization, "The credential scope `%s` does not fit the time stamp and the service. "+
			"It must be `%s`.", strings.Join([]string{a.date, a.service, a.end}, "/"), scope(date, service))
	}
	if !slices.ContainsFunc(signedHosts(c.host), func(host string) bool {
		return hmac.Equal([]byte(signature(e.cfg.SecretKey, c, seconds, host)), []byte(a.signature))
	}) {
		return refuse(codeSignatureFailure, "The provided credentials could not be validated. "+
			"Please check your signature is correct.")
	}
	if c.header.Get("X-TC-Token") != e.cfg.Token {
		return refuse(codeTokenFailure, "The token does not belong to the SecretId, or has expired.")
	}
	return nil
}

func scope(date, service string) string { return date + "/" + service + "/" + terminator }

// signature computes what the call's signature must be where that host was signed.
func signature(key string, c *call, seconds int64, host string) string {
	canonical := sha256.Sum256([]byte(canonicalRequest(c, host)))
	toSign := strings.Join([]string{
		algorithm, strconv.FormatInt(seconds, 10), scope(c.auth.date, c.auth.service), hex.EncodeToString(canonical[:]),
	}, "\n")
	k := sum256([]byte("TC3"+key), c.auth.date)
	k = sum256(k, c.auth.service)
	k = sum256(k, terminator)
	return hex.EncodeToString(sum256(k, toSign))
}

// canonicalRequest is the text that stands for the call: the path is always / and a POST has no query.
func canonicalRequest(c *call, host string) string {
	var b strings.Builder
	b.WriteString(http.MethodPost + "\n/\n\n")
	for _, name := range c.auth.signed {
		b.WriteString(name + ":" + c.signedValue(name, host) + "\n")
	}
	b.WriteString("\n" + strings.Join(c.auth.signed, ";") + "\n")
	payload := c.body
	if word := "UNSIGNED-PAYLOAD"; c.header.Get("X-TC-Content-SHA256") == word {
		payload = []byte(word)
	}
	sum := sha256.Sum256(payload)
	b.WriteString(hex.EncodeToString(sum[:]))
	return b.String()
}

func (c *call) signedValue(name, host string) string {
	switch name {
	case "host":
		return host
	case "x-tc-action":
		return strings.ToLower(strings.TrimSpace(c.header.Get(name)))
	}
	return strings.TrimSpace(strings.Join(c.header.Values(name), ","))
}

func sum256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
