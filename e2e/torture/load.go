package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

const (
	// perSecond is the mean number of messages outside bursts, which are burst times as dense.
	perSecond = 60
	burst     = 6
	// hot is how many URLs of a zone are asked for again and again, which half of the requests do.
	hot = 300
	// remembered is how many of the last requests may be repeated.
	remembered = 300
)

func sources() []string { return []string{"ghost", "shop", "cms-2", "cli_x", "feed"} }

// zones gives the zones of the emulator with their hosts.
func zones() []string {
	return []string{"zone-aaa=*.a.example", "zone-bbb=*.b.example", "zone-ccc=*.c.example", "zone-ddd=*.d.example"}
}

// load draws messages. The same seed draws the same ones; only the time in expires is the clock's.
type load struct {
	rng   *rand.Rand
	n     int
	last  []message // that have an id in their body, to be repeated
	dense int       // messages left of a burst
}

func newLoad(seed uint64) *load {
	return &load{rng: rand.New(rand.NewPCG(seed, 0x6c6f6164))}
}

// next draws the next message.
func (l *load) next() message {
	l.n++
	var m message
	switch at := l.rng.IntN(1000); {
	case at < 25:
		m = l.garbage()
	case at < 45 && len(l.last) > 0:
		m = l.repeat()
	case at < 50 && len(l.last) > 0:
		m = l.reuse()
	case at < 60:
		m = l.mixed()
	case at < 62:
		m = l.foreign()
	case at < 70:
		m = l.expiring()
	case at < 90:
		m = l.special()
	case at < 115:
		m = l.urls(l.size())
	default:
		m = l.urls(1)
	}
	m.N = l.n
	m.after = l.pause()
	return m
}

func (l *load) pause() time.Duration {
	mean := float64(time.Second) / perSecond
	switch {
	case l.dense > 0:
		l.dense--
		mean /= burst
	case l.rng.IntN(400) == 0:
		l.dense = 100 + l.rng.IntN(400)
	}
	return time.Duration(l.rng.ExpFloat64() * mean)
}

// size is 5 to 700, and small sizes come more often.
func (l *load) size() int { return int(5 * math.Pow(140, l.rng.Float64())) }

// begin draws lane, source and id of a message that can be read.
func (l *load) begin() (message, purge.Request) {
	m := message{Want: wantCompleted, Lane: "bulk", Source: sources()[l.rng.IntN(len(sources()))]}
	if l.rng.IntN(3) == 0 {
		m.Lane = "interactive"
	}
	return m, purge.Request{Labels: map[string]string{"n": strconv.Itoa(l.n)}}
}

// finish writes the body, and names the request in one of the ways there are.
func (l *load) finish(m message, r purge.Request) message {
	m.Total = len(r.Targets)
	name := fmt.Sprintf("r%d", l.n)
	way := l.rng.IntN(10)
	if way < 6 {
		r.ID, m.ID = name, name
	}
	m.body, _ = r.Encode() // its times are of this century
	switch way {
	case 6:
		m.ID, m.msgID = name, m.Source+"."+name
	case 7:
		m.ID, m.contentType = name, purge.EventContentType
		m.body = fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/%s","type":"purge","data":%s}`, name, m.Source, m.body)
	}
	if way < 6 && l.rng.IntN(4) == 0 {
		m.msgID = m.Source + "." + name
	}
	if way < 6 && m.Want == wantCompleted {
		l.last = append(l.last, m)
		l.last = l.last[max(0, len(l.last)-remembered):]
	}
	return m
}

// site draws a zone, and a host of it.
func (l *load) site() (zone, host string) {
	letter := string("abcd"[min(l.rng.IntN(5), 3)])
	return "zone-" + strings.Repeat(letter, 3), []string{"www", "img"}[l.rng.IntN(2)] + "." + letter + ".example"
}

// url draws a URL as written, and its canonical form.
func (l *load) url(host string, i int) (written, canonical string) {
	path := fmt.Sprintf("/p/%d-%d", l.n, i)
	if l.rng.IntN(2) == 0 {
		path = fmt.Sprintf("/hot/%d?a=1&b=%d", l.rng.IntN(hot), l.rng.IntN(2))
	}
	canonical = "https://" + host + path
	switch l.rng.IntN(12) {
	case 0:
		return "HTTPS://" + strings.ToUpper(host) + path, canonical
	case 1:
		return "https://" + host + ":443" + path + "#part", canonical
	}
	return canonical, canonical
}

func (l *load) urls(n int) message {
	m, r := l.begin()
	var host string
	m.Zone, host = l.site()
	m.Type = "purge_url"
	if l.rng.IntN(4) > 0 {
		r.Zone = m.Zone
	}
	for i := range n {
		written, canonical := l.url(host, i)
		r.Targets = append(r.Targets, written)
		m.Targets = append(m.Targets, canonical)
	}
	return l.finish(m, r)
}

// special draws a request of another type.
func (l *load) special() message {
	m, r := l.begin()
	zone, host := l.site()
	m.Zone, r.Zone = zone, zone
	m.Method = []string{"invalidate", "delete"}[l.rng.IntN(2)]
	switch l.rng.IntN(3) {
	case 0:
		r.Type, m.Type = purge.Prefix, "purge_prefix"
		r.Targets = []string{fmt.Sprintf("https://%s/dir/%d/", host, l.rng.IntN(20))}
	case 1:
		r.Type, m.Type = purge.Host, "purge_host"
		r.Targets = []string{host}
	default:
		r.Type, m.Type = purge.Tag, "purge_cache_tag"
		r.Targets = []string{fmt.Sprintf("tag-%d", l.rng.IntN(50))}
		m.Method = ""
		if l.rng.IntN(2) == 0 {
			r.Hosts, m.Hosts = []string{host}, []string{host}
		}
	}
	r.Method = purge.Method(m.Method)
	m.Targets = slices.Clone(r.Targets)
	return l.finish(m, r)
}

// mixed has good targets, and some that are not valid.
func (l *load) mixed() message {
	m, r := l.begin()
	zone, host := l.site()
	m.Want, m.Zone, r.Zone, m.Type = wantPartial, zone, zone, "purge_url"
	for i := range 2 + l.rng.IntN(6) {
		written, canonical := l.url(host, i)
		r.Targets = append(r.Targets, written)
		m.Targets = append(m.Targets, canonical)
	}
	for _, bad := range []string{"ftp://" + host + "/", "https://user@" + host + "/", "no url", "https://*." + host + "/"}[:1+l.rng.IntN(4)] {
		r.Targets = slices.Insert(r.Targets, l.rng.IntN(len(r.Targets)), bad)
	}
	return l.finish(m, r)
}

// foreign has one target on a host that the zone does not have, which only EdgeOne can tell.
func (l *load) foreign() message {
	m := l.urls(1 + 20*l.rng.IntN(2))
	m.Want, m.ID, m.msgID, m.contentType = wantRefused, fmt.Sprintf("f%d", l.n), "", ""
	r := purge.Request{ID: m.ID, Zone: m.Zone, Targets: slices.Clone(m.Targets)}
	stranger := fmt.Sprintf("https://www.elsewhere.example/%d", l.n)
	if len(r.Targets) == 1 {
		r.Targets, m.Targets = []string{stranger}, nil
	} else {
		r.Targets = slices.Insert(r.Targets, l.rng.IntN(len(r.Targets)), stranger)
	}
	m.Total = len(r.Targets)
	m.body, _ = r.Encode() // it has no times
	l.last = slices.DeleteFunc(l.last, func(o message) bool { return o.ID == fmt.Sprintf("r%d", l.n) })
	return m
}

// expiring has a few seconds to be submitted in.
func (l *load) expiring() message {
	m, r := l.begin()
	zone, host := l.site()
	m.Want, m.Zone, r.Zone, m.Type = wantInTime, zone, zone, "purge_url"
	r.Expires = time.Now().Add(time.Duration(500+l.rng.IntN(5000)) * time.Millisecond).UTC()
	for i := range 1 + l.rng.IntN(4) {
		written, canonical := l.url(host, i)
		r.Targets = append(r.Targets, written)
		m.Targets = append(m.Targets, canonical)
	}
	return l.finish(m, r)
}

// repeat is a message that was there before, word for word.
func (l *load) repeat() message {
	m := l.last[l.rng.IntN(len(l.last))]
	m.msgID = "" // the broker's own table of repeats is not what is tried here
	return m
}

// reuse has the id of another request.
func (l *load) reuse() message {
	m := l.last[l.rng.IntN(len(l.last))]
	m.msgID = ""
	m.Targets = []string{fmt.Sprintf("https://www.a.example/reused/%d", l.n)}
	for range m.Total { // one more than the other has, so that its event tells which of the two it is for
		m.Targets = append(m.Targets, fmt.Sprintf("%s-%d", m.Targets[0], len(m.Targets)))
	}
	m.Zone, m.Type, m.Method, m.Hosts, m.Total = "zone-aaa", "purge_url", "", nil, len(m.Targets)
	r := purge.Request{ID: m.ID, Zone: m.Zone, Targets: m.Targets}
	m.body, _ = r.Encode() // it has no times
	return m
}
