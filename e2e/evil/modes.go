package evil

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

const stamp = "2006-01-02T15:04:05Z"

func hourAgo() string   { return time.Now().Add(-time.Hour).UTC().Format(stamp) }
func hourAhead() string { return time.Now().Add(time.Hour).UTC().Format(stamp) }

// half of the tasks fail, so that whoever takes a count or another's row for a success is found out.
func half() map[string]float64 { return map[string]float64{"task-failed": 0.5} }

// Modes returns all modes, each with its own name.
func Modes() []Mode {
	var all []Mode
	for _, some := range [][]Mode{times(), fields(), counts(), listings(), jobs(), spellings(), wires()} {
		all = append(all, some...)
	}
	return all
}

// times are rows whose times are not what they seem.
func times() []Mode {
	set := func(field string, change func(t time.Time) string) func(*Call, object) object {
		return rows(func(_ *Call, row object) {
			if text, ok := row[field].(string); ok {
				if t, err := time.Parse(stamp, text); err == nil {
					row[field] = change(t)
				}
			}
		})
	}
	after := func(d time.Duration) func(time.Time) string {
		return func(t time.Time) string { return t.Add(d).Format(stamp) }
	}
	return []Mode{
		{Name: "times-of-beijing", Exact: true, Answer: set("CreateTime", func(t time.Time) string { return t.Add(8 * time.Hour).Format("2006-01-02T15:04:05") })},
		{Name: "times-with-offset", Exact: true, Answer: set("CreateTime", func(t time.Time) string {
			return t.In(time.FixedZone("", 8*3600)).Format(time.RFC3339)
		})},
		{Name: "times-of-no-form", Exact: true, Answer: set("CreateTime", func(time.Time) string { return "yesterday" })},
		{Name: "update-2h-later", Exact: true, Answer: set("UpdateTime", after(2*time.Hour))},
		{Name: "update-8000-years-later", Exact: true, Answer: set("UpdateTime", func(time.Time) string { return "9999-12-31T23:59:59Z" })},
		{Name: "update-before-create", Exact: true, Answer: set("UpdateTime", after(-8*time.Hour))},
	}
}

// fields are answers with fields that are missing, null, or hold what nobody knows.
func fields() []Mode {
	without := func(names ...string) func(*Call, object) object {
		return rows(func(_ *Call, row object) {
			for _, name := range names {
				delete(row, name)
			}
		})
	}
	null := func(names ...string) func(*Call, object) object {
		return rows(func(_ *Call, row object) {
			for _, name := range names {
				row[name] = nil
			}
		})
	}
	status := func(word string) func(*Call, object) object {
		return rows(func(_ *Call, row object) {
			if row["Status"] == "success" {
				row["Status"] = word
			}
		})
	}
	return []Mode{
		{Name: "rows-without-times-and-type", Exact: true, Answer: without("CreateTime", "UpdateTime", "Type", "Method")},
		{Name: "rows-without-job", Faults: half(), Answer: without("JobId")},
		{Name: "rows-with-null-job", Faults: half(), Answer: null("JobId")},
		{Name: "rows-without-target", Faults: half(), Answer: without("Target")},
		{Name: "rows-without-status", Answer: without("Status")},
		{Name: "rows-null", Answer: func(_ *Call, answer object) object {
			if answer["Tasks"] != nil {
				answer["Tasks"] = []any{nil, nil}
			}
			return answer
		}},
		{Name: "tasks-null", Answer: func(_ *Call, answer object) object {
			if answer["Tasks"] != nil {
				answer["Tasks"] = nil
			}
			return answer
		}},
		{Name: "status-unknown", Answer: status("succeeded")},
		{Name: "status-in-capitals", Answer: status("SUCCESS")},
		{Name: "error-unknown-in-200", Answer: func(c *Call, answer object) object {
			if c.chance(50) {
				return refuse("SomethingNew.Altogether")
			}
			return answer
		}},
		{Name: "error-without-code", Answer: func(c *Call, answer object) object {
			if c.chance(50) {
				return object{"Error": object{}, "RequestId": "evil"}
			}
			return answer
		}},
		{Name: "zone-refused-for-now", Exact: true, Before: func(c *Call, w http.ResponseWriter, _ *http.Request) bool {
			if c.Action == create && c.Number <= 4 {
				write(w, []byte(`{"Response":{"Error":{"Code":"InvalidParameter.ZoneIsGrayPublishing","Message":"later"},"RequestId":"evil"}}`))
				return true
			}
			return false
		}},
	}
}

// counts are wrong values of TotalCount. The successes of a job of more than 1,000 targets are counted.
func counts() []Mode {
	all := func(c *Call) int {
		body := maps.Clone(c.Body)
		whole := &Call{Action: describe, Body: body, server: c.server, version: c.version}
		whole.without("statuses")
		n, _ := whole.ask(describe, whole.Body)["TotalCount"].(float64)
		return int(n)
	}
	return []Mode{
		{Name: "count-ignores-statuses", Targets: 1010, Faults: half(), Answer: total(func(c *Call, _ object, _ int) any { return all(c) })},
		{Name: "count-ignores-statuses-without-rows", Targets: 1010, Faults: half(), Answer: total(func(c *Call, answer object, _ int) any {
			if len(c.statuses()) > 0 {
				answer["Tasks"] = []any{}
			}
			return all(c)
		})},
		{Name: "count-zero", Targets: 1010, Faults: half(), Answer: total(func(*Call, object, int) any { return 0 })},
		{Name: "count-missing", Targets: 1010, Faults: half(), Answer: total(func(*Call, object, int) any { return nil })},
		{Name: "count-huge", Targets: 1010, Faults: half(), Answer: total(func(*Call, object, int) any { return int64(1) << 60 })},
		{Name: "count-one-too-many", Targets: 1010, Faults: half(), Answer: total(func(_ *Call, _ object, n int) any { return n + 1 })},
		{Name: "count-at-random", Targets: 1010, Faults: half(), Answer: total(func(c *Call, _ object, n int) any { return n + c.times("count")%7 - 3 })},
	}
}

func (c *Call) statuses() []any {
	for _, f := range list(c.Body["Filters"]) {
		if f["Name"] == "statuses" {
			values, _ := f["Values"].([]any)
			return values
		}
	}
	return nil
}

// listings are lists of rows that are not those that were asked for.
func listings() []Mode {
	return []Mode{
		{Name: "statuses-ignored", Faults: half(), Before: drop("statuses")},
		{Name: "job-ignored", Faults: half(), Before: drop("job-id")},
		{Name: "all-filters-ignored", Faults: half(), Before: drop("job-id", "statuses", "target", "type")},
		{Name: "rows-of-another-job", Faults: half(), Answer: rows(func(_ *Call, row object) {
			row["JobId"], row["Status"] = "another", "success"
		})},
		{Name: "a-row-twice-another-missing", Faults: half(), Answer: lists(func(_ *Call, all []object) []object {
			for i, row := range all {
				if row["Status"] == "failed" && len(all) > 1 {
					all[i] = all[(i+1)%len(all)]
					break
				}
			}
			return all
		})},
		{Name: "failed-rows-missing", Faults: half(), Answer: lists(func(_ *Call, all []object) []object {
			var kept []object
			for _, row := range all {
				if row["Status"] != "failed" {
					kept = append(kept, row)
				}
			}
			return kept
		})},
		{Name: "rows-twice", Exact: true, Faults: half(), Answer: lists(func(_ *Call, all []object) []object { return append(all, all...) })},
		{Name: "pages-unstable", Faults: half(), Answer: lists(func(c *Call, all []object) []object {
			if n := len(all); n > 1 {
				k := c.times("page") % n
				all = append(append([]object(nil), all[k:]...), all[:k]...)
				all[0] = all[n-1]
			}
			return all
		})},
		{Name: "rows-in-any-order", Exact: true, Faults: half(), Answer: lists(func(c *Call, all []object) []object {
			c.server.mu.Lock()
			defer c.server.mu.Unlock()
			c.server.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			return all
		})},
		{Name: "a-row-a-job", Unknown: map[string]string{"rows": "per-job"}, Exact: true},
	}
}

// jobs are answers to CreatePurgeTask that name no job, or not the one that was made.
func jobs() []Mode {
	rename := func(name func(id string) string) (func(*Call, http.ResponseWriter, *http.Request) bool, func(*Call, object) object) {
		before := func(c *Call, _ http.ResponseWriter, _ *http.Request) bool {
			for _, f := range list(c.Body["Filters"]) {
				if values, ok := f["Values"].([]any); ok && f["Name"] == "job-id" && len(values) == 1 {
					id, _ := values[0].(string)
					values[0] = id[len(id)-min(len(id), 12):]
				}
			}
			return false
		}
		answer := func(_ *Call, answer object) object {
			if id, ok := answer["JobId"].(string); ok {
				answer["JobId"] = name(id)
			}
			for _, row := range list(answer["Tasks"]) {
				row["JobId"] = name(row["JobId"].(string))
			}
			return answer
		}
		return before, answer
	}
	odd := func(name string, id func(string) string) Mode {
		before, answer := rename(id)
		return Mode{Name: name, Exact: true, Faults: half(), Before: before, Answer: answer}
	}
	return []Mode{
		odd("job-with-dots-and-spaces", func(id string) string { return "a.b > *.\t" + id }),
		odd("job-that-is-very-long", func(id string) string { return strings.Repeat("x", 5000) + id }),
		odd("job-of-no-ascii", func(id string) string { return "任务\x7f" + id }),
		{Name: "job-empty", Answer: created(func(_ *Call, answer object) { answer["JobId"] = "" })},
		{Name: "job-missing", Answer: created(func(_ *Call, answer object) { delete(answer, "JobId") })},
		{Name: "job-that-was-not-made", Before: func(c *Call, w http.ResponseWriter, _ *http.Request) bool {
			if c.Action != create {
				return false
			}
			write(w, fmt.Appendf(nil, `{"Response":{"JobId":"%012d","RequestId":"evil"}}`, c.Number))
			return true
		}},
		{Name: "job-of-the-call-before", Faults: half(), Answer: created(func(c *Call, answer object) {
			c.server.mu.Lock()
			defer c.server.mu.Unlock()
			if c.Number%2 == 0 && c.server.last != nil {
				answer["JobId"] = c.server.last
			}
			c.server.last = answer["JobId"]
		})},
	}
}

// spellings are targets that answers have in another form than they were sent in.
func spellings() []Mode {
	echo := func(spell func(string) string) func(*Call, object) object {
		return rows(func(_ *Call, row object) { row["Target"] = spell(row["Target"].(string)) })
	}
	list := func(spell func(string) string) Mode {
		return Mode{Exact: true, Unknown: map[string]string{"foreign-host": "failedlist"}, Answer: created(func(_ *Call, answer object) {
			for _, f := range list(answer["FailedList"]) {
				names, _ := f["Targets"].([]any)
				for i, name := range names {
					names[i] = spell(name.(string))
				}
			}
		})}
	}
	named := func(name string, m Mode) Mode { m.Name = name; return m }
	upper := strings.NewReplacer("%c3%a9", "%C3%A9").Replace
	decoded := func(s string) string {
		if d, err := url.PathUnescape(s); err == nil {
			return d
		}
		return s
	}
	hosts := strings.NewReplacer("https://evil.example/", "HTTPS://Evil.Example.:443/", "xn--bse-sna.example", "böse.example", "foreign.example/", "FOREIGN.example.:443/").Replace
	coded := func(s string) string {
		return "#" + strings.ToUpper(strings.Map(func(r rune) rune { return r + 1 }, s))
	}
	return []Mode{
		{Name: "echo-percent-case", Exact: true, Faults: half(), Answer: echo(upper)},
		{Name: "echo-decoded", Exact: true, Faults: half(), Answer: echo(decoded)},
		{Name: "echo-host", Exact: true, Faults: half(), Answer: echo(hosts)},
		{Name: "echo-unheard-of", Faults: half(), Answer: echo(coded)},
		named("failedlist-percent-case", list(upper)),
		named("failedlist-decoded", list(decoded)),
		named("failedlist-host", list(hosts)),
		named("failedlist-unheard-of", list(coded)),
		named("failedlist-empty-items", Mode{Exact: true, Answer: created(func(_ *Call, answer object) {
			answer["FailedList"] = []any{nil, object{"Reason": nil, "Targets": nil}, object{"Targets": []any{nil}}}
		})}),
	}
}

// wires are answers that are none, or come in ways of their own.
func wires() []Mode {
	// now and then, so that what follows can be seen
	some := func(do func(c *Call, w http.ResponseWriter, r *http.Request, data []byte)) func(*Call, http.ResponseWriter, *http.Request, []byte) bool {
		return func(c *Call, w http.ResponseWriter, r *http.Request, data []byte) bool {
			if !c.chance(40) {
				return false
			}
			do(c, w, r, data)
			return true
		}
	}
	raw := func(kind string, status int, text string) func(*Call, http.ResponseWriter, *http.Request, []byte) bool {
		return some(func(_ *Call, w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		})
	}
	return []Mode{
		{Name: "html-with-200", Write: raw("text/html", 200, "<html><body>Service Unavailable</body></html>")},
		{Name: "empty-body", Write: raw("application/json", 200, "")},
		{Name: "json-null", Write: raw("application/json", 200, "null")},
		{Name: "json-of-another-shape", Write: raw("application/json", 200, `{"code":0,"message":"ok","data":{}}`)},
		{Name: "json-deep", Write: raw("application/json", 200, strings.Repeat(`{"Response":`, 20_000)+"1"+strings.Repeat("}", 20_000))},
		{Name: "response-empty", Write: raw("application/json", 200, `{"Response":{}}`)},
		{Name: "json-cut-off", Write: some(func(_ *Call, w http.ResponseWriter, _ *http.Request, data []byte) {
			_, _ = w.Write(data[:len(data)/2])
		})},
		{Name: "content-type-wrong", Exact: true, Write: func(_ *Call, w http.ResponseWriter, _ *http.Request, data []byte) bool {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write(data)
			return true
		}},
		{Name: "gzip-unasked", Exact: true, Write: func(_ *Call, w http.ResponseWriter, _ *http.Request, data []byte) bool {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(data)
			_ = z.Close()
			w.Header().Set("Content-Encoding", "gzip")
			write(w, b.Bytes())
			return true
		}},
		{Name: "redirects", Write: some(func(_ *Call, w http.ResponseWriter, r *http.Request, _ []byte) {
			http.Redirect(w, r, "http://127.0.0.1:9/elsewhere", http.StatusTemporaryRedirect)
		})},
		{Name: "huge", Exact: true, Answer: func(c *Call, answer object) object {
			if c.Number%5 == 1 {
				answer["Padding"] = strings.Repeat("x", 8<<20)
			}
			return answer
		}},
		{Name: "too-huge", Write: some(func(_ *Call, w http.ResponseWriter, _ *http.Request, _ []byte) {
			block := bytes.Repeat([]byte(" "), 1<<20)
			for range 60 {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		})},
		{Name: "slow", Slow: true, Write: some(func(_ *Call, _ http.ResponseWriter, r *http.Request, _ []byte) {
			wait.Sleep(r.Context(), time.Minute)
		})},
		{Name: "trickled", Slow: true, Write: some(func(_ *Call, w http.ResponseWriter, r *http.Request, data []byte) {
			flush := http.NewResponseController(w)
			for i := range data {
				_, _ = w.Write(data[i : i+1])
				if flush.Flush() != nil || !wait.Sleep(r.Context(), 300*time.Millisecond) {
					return
				}
			}
		})},
		{Name: "reset-after-processing", Write: some(func(_ *Call, w http.ResponseWriter, _ *http.Request, _ []byte) { reset(w) })},
		{Name: "nothing-but-errors", Write: raw("application/json", 500, `{"Response":{"Error":{"Code":"InternalError","Message":"no"},"RequestId":"evil"}}`)},
	}
}

func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
