package emulator

import (
	"mime"
	"net/http"
	"strings"

	"go.uber.org/zap"
)

// call is one request to the API. The body is good until the call is answered.
type call struct {
	id     string
	action string
	method string
	host   string
	header http.Header
	auth   authorization
	authOK bool
	body   []byte
}

func newCall(r *http.Request) *call {
	c := &call{
		id: newRequestID(), action: r.Header.Get("X-TC-Action"), method: r.Method, host: r.Host, header: r.Header,
	}
	c.auth, c.authOK = parseAuthorization(r.Header.Get("Authorization"))
	return c
}

func (c *call) meta() meta { return meta{RequestID: c.id} }

// known tells whether any version has the action.
func (e *Emulator) known(action string) bool {
	for _, v := range e.versions {
		if _, ok := v.actions[action]; ok {
			return true
		}
	}
	return false
}

// route finds what executes the call, by its common parameters.
func (e *Emulator) route(c *call) (action, *refusal) {
	if c.method != http.MethodPost {
		return nil, refuse(codeUnsupportedProtocol, "The emulator takes POST only.")
	}
	if c.action == "" {
		return nil, missing("Action")
	}
	if !e.known(c.action) {
		return nil, refuse(codeInvalidAction, "The action `%s` does not exist.", c.action)
	}
	for _, name := range []string{"Version", "Timestamp"} {
		if c.header.Get("X-TC-"+name) == "" {
			return nil, missing(name)
		}
	}
	v, ok := e.versions[c.header.Get("X-TC-Version")]
	if !ok {
		return nil, refuse(codeNoSuchVersion, "The version does not exist.")
	}
	run, ok := v.actions[c.action]
	if !ok {
		return nil, refuse(codeInvalidAction, "The action `%s` does not exist in this version.", c.action)
	}
	if v.regional && c.header.Get("X-TC-Region") == "" {
		return nil, missing("Region")
	}
	return run, nil
}

// checkContentType holds the Content-Type against what signature v3 goes with.
func (c *call) checkContentType() *refusal {
	media, params, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || media != jsonType || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refuse(codeInvalidParameter, "The Content-Type is not application/json.")
	}
	return nil
}

// answer makes the reply to a call and logs how it ended.
func (e *Emulator) answer(c *call, response any, r *refusal) reply {
	if e.log.Core().Enabled(zap.DebugLevel) {
		code := "ok"
		if r != nil {
			code = r.Code
		}
		e.log.Debug("call", zap.String("action", c.action), zap.String("request", c.id), zap.String("code", code))
	}
	return answer(c.id, response, r)
}
