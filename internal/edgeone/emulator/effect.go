package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

const (
	purgedPath = "/purged"
	// maxPurged is how many tasks one answer of GET /purged lists.
	maxPurged = 100
)

// purged answers GET /purged?url=URL: the tasks that have succeeded and whose target covers the URL, youngest first. What
// a task covers follows from its rows, so that with rows=per-job only the first target of a job is known. Tags cover
// nothing, because no response with tags is known here.
type purged struct {
	URL    string `json:"url"`
	Purged bool   `json:"purged"`
	Tasks  []task `json:"tasks"`
}

func (e *Emulator) servePurged(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "GET /purged?url=URL", http.StatusMethodNotAllowed)
		return
	}
	url := r.URL.Query().Get("url")
	host, ok := urlHost(url, true)
	if !ok {
		http.Error(w, "give an http or https URL: GET /purged?url=URL", http.StatusBadRequest)
		return
	}
	answer := purged{URL: url, Tasks: e.tasks(e.purges, e.covering(url, host), fullTask)}
	answer.Purged = len(answer.Tasks) > 0
	body, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply{status: http.StatusOK, kind: jsonType, body: append(body, '\n')}.send(w)
}

// covering returns the successful rows that cover a URL, at most maxPurged.
func (e *Emulator) covering(url, host string) (hits []hit) {
	m := e.moment()
	for zone, jobs := range e.purges.views() {
		z, refused := e.zones.find(zone)
		if refused != nil || !z.owns(host) {
			continue
		}
		v := query{}.narrow(jobs, m)
		sc := scan{view: v, final: v.until(m.final), faults: e.faults}
		for i := range sc.jobs {
			for h := range sc.rows(i) {
				if h.status == statusSuccess && e.covers(h.job.kind, h.job.rows.at(h.row), url, host) {
					hits = append(hits, h)
				}
			}
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.job.seq, a.job.seq) })
	return hits[:min(len(hits), maxPurged)]
}

// covers reports whether the purge of a target reaches a URL on that host.
func (e *Emulator) covers(k kind, target, url, host string) bool {
	switch k {
	case kindAll:
		return true
	case kindHost:
		return strings.EqualFold(target, host)
	case kindURL:
		return normalURL(target) == normalURL(url)
	case kindPrefix:
		return covered(normalURL(target), normalURL(url), e.unknown.prefixString)
	default:
		return false
	}
}

// covered reports whether a prefix reaches a URL: as a string, or as a directory, where /blog reaches /blog, with any
// query, and all below /blog/, but not /blogs.
func covered(prefix, url string, asString bool) bool {
	rest, ok := strings.CutPrefix(url, prefix)
	if !ok || asString || rest == "" || strings.HasSuffix(prefix, "/") {
		return ok
	}
	return rest[0] == '/' || rest[0] == '?' || strings.Contains(prefix, "?")
}
