package admin

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/metrics"
)

// plain is what those get who don't read HTML.
const plain = `edgepurge

/livez     the process runs
/readyz    it can work, or why not
/metrics   for Prometheus`

// plainLevel is the line of what is served only where the level can be changed.
const plainLevel = `
/loglevel  the log level; PUT level=debug changes it, from this machine`

//go:embed page.html
var pageText string

// page is what a person sees.
type page struct {
	metrics.State

	Instance, Version string
	Reasons           []string // why the replica is not ready
	Told              []metrics.Quota
	Omitted           int // zones
}

// front answers `/`: a page for browsers, a list of the other paths for the rest.
func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Vary", "Accept")
	if s.cfg.State == nil || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		paths := plain
		if s.cfg.Level != nil {
			paths += plainLevel
		}
		text(w, http.StatusOK, paths)
		return
	}
	p := page{State: s.cfg.State(), Instance: s.cfg.Instance, Version: s.cfg.Version, Reasons: s.cfg.Ready()}
	p.Told, p.Omitted = p.Bounded()
	var out bytes.Buffer
	if err := render(&out, p); err != nil {
		s.log.Error("page not shown", zap.Error(err))
		text(w, http.StatusInternalServerError, "the page can't be shown; see /metrics")
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(out.Bytes())
}

func render(out *bytes.Buffer, p page) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"count":    count,
		"since":    func(at time.Time) string { return since(p.At, at) },
		"rate":     rate,
		"typeName": metrics.TypeName,
		"reading":  func(at time.Time) string { return reading(p.At, at) },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(out, p)
}

// count writes a number in groups of three digits.
func count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}

// since writes an age; a dash for none.
func since(now, at time.Time) string {
	if at.IsZero() {
		return "–"
	}
	d := max(0, now.Sub(at))
	switch {
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// reading writes when something was read, with the day where that was not within the last one.
func reading(now, at time.Time) string {
	switch {
	case at.IsZero():
		return "not read yet"
	case now.Sub(at) < 24*time.Hour:
		return "as of " + at.UTC().Format(time.TimeOnly)
	}
	return "as of " + at.UTC().Format(time.DateTime)
}

// rate writes calls a second.
func rate(perSecond float64) string {
	if perSecond == 0 {
		return "no limit"
	}
	return strconv.FormatFloat(perSecond, 'f', -1, 64)
}
