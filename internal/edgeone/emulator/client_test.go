package emulator_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

const testZone = "zone-emulator"

// object is a JSON object of a request.
type object = map[string]any

// answer is what any action may answer.
type answer struct {
	status int
	raw    []byte

	Error *struct{ Code, Message string }

	JobID      string `json:"JobId"`
	FailedList []failReason

	TotalCount int
	Tasks      []task

	Zones               []object
	AccelerationDomains []object

	PurgeQuota, PrefetchQuota []quotaRow

	RequestID string `json:"RequestId"`
}

type failReason struct {
	Reason  string
	Targets []string
}

type task struct {
	JobID                  string `json:"JobId"`
	Target, Type, Method   string
	Status                 string
	CreateTime, UpdateTime string
	FailType, FailMessage  string
}

type quotaRow struct {
	Batch, Daily, DailyAvailable int
	Type                         string
}

func (a answer) code() string {
	if a.Error == nil {
		return ""
	}
	return a.Error.Code
}

// client makes signed calls straight into a handler.
type client struct {
	handler http.Handler
	id, key string
	version string
	region  string
}

func newClient(t testing.TB, c emulator.Config) (*client, *emulator.Emulator) {
	t.Helper()
	e, err := emulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &client{
		handler: e, id: emulator.DefaultSecretID, key: emulator.DefaultSecretKey, version: "2022-09-01",
	}, e
}

// call makes one call; params are marshalled unless they are a string or bytes.
func (c *client) call(t testing.TB, action string, params any) answer {
	t.Helper()
	return c.do(t, c.request(t, action, params))
}

func (c *client) request(t testing.TB, action string, params any) *http.Request {
	t.Helper()
	var body []byte
	switch p := params.(type) {
	case string:
		body = []byte(p)
	case []byte:
		body = p
	default:
		var err error
		if body, err = json.Marshal(params); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://teo.example:7481/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-TC-Action", action)
	r.Header.Set("X-TC-Version", c.version)
	if c.region != "" {
		r.Header.Set("X-TC-Region", c.region)
	}
	sign{id: c.id, key: c.key, at: time.Now()}.apply(r, body)
	return r
}

func (c *client) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	a := answer{status: w.Code, raw: w.Body.Bytes()}
	if w.Header().Get("Content-Type") == "application/json" && w.Body.Len() > 0 {
		if err := json.Unmarshal(a.raw, &struct{ Response *answer }{&a}); err != nil {
			t.Fatalf("unmarshal %s: %v", a.raw, err)
		}
	}
	return a
}

// must makes a call that has to be accepted.
func (c *client) must(t testing.TB, action string, params any) answer {
	t.Helper()
	a := c.call(t, action, params)
	if a.Error != nil {
		t.Fatalf("%s: got %s: %s", action, a.Error.Code, a.Error.Message)
	}
	return a
}

// create submits URLs, and returns the job.
func (c *client) create(t testing.TB, targets ...string) string {
	t.Helper()
	return c.must(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_url", "Targets": targets}).JobID
}

// describe queries the last hour and the next with the given filters, a name and values each.
func (c *client) describe(t testing.TB, filters ...[]string) answer {
	t.Helper()
	return c.must(t, "DescribePurgeTasks", lastHour(1000, filters...))
}

func lastHour(limit int, filters ...[]string) object {
	list := []object{}
	for _, f := range filters {
		list = append(list, object{"Name": f[0], "Values": f[1:]})
	}
	return object{
		"ZoneId":    testZone,
		"StartTime": time.Now().Add(-time.Hour).Format(time.RFC3339),
		"EndTime":   time.Now().Add(time.Hour).Format(time.RFC3339),
		"Limit":     limit,
		"Filters":   list,
	}
}

// urls makes n targets.
func urls(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("https://www.example.com/articles/%d/a-title-of-usual-length.html", i)
	}
	return all
}

// sign is a signature v3, with everything that a test may want to get wrong.
type sign struct {
	id, key string
	at      time.Time
	date    string // default: of at
	service string // default: teo
	end     string // default: tc3_request
	headers string // default: content-type;host
	lines   string // canonical headers; default: of the two
	payload string // default: the body
}

func (s sign) apply(r *http.Request, body []byte) {
	or := func(v, otherwise string) string {
		if v == "" {
			return otherwise
		}
		return v
	}
	stamp := strconv.FormatInt(s.at.Unix(), 10)
	date := or(s.date, s.at.UTC().Format("2006-01-02"))
	scope := date + "/" + or(s.service, "teo") + "/" + or(s.end, "tc3_request")
	headers := or(s.headers, "content-type;host")
	lines := or(s.lines, "content-type:"+r.Header.Get("Content-Type")+"\nhost:"+r.Host+"\n")
	canonical := "POST\n/\n\n" + lines + "\n" + headers + "\n" + digest(or(s.payload, string(body)))
	text := "TC3-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + digest(canonical)
	key := []byte("TC3" + s.key)
	for _, part := range []string{date, or(s.service, "teo"), or(s.end, "tc3_request"), text} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	r.Header.Set("X-TC-Timestamp", stamp)
	r.Header.Set("Authorization", "TC3-HMAC-SHA256 Credential="+s.id+"/"+scope+", SignedHeaders="+headers+
		", Signature="+hex.EncodeToString(key))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func newRecorder(c *client, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}
