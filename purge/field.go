package purge

import (
	"strconv"
	"strings"
	"time"
)

// MaxLabels is how many labels a request may have.
const MaxLabels = 16

const (
	maxLabelKey   = 64
	maxLabelValue = 256
	maxQuoted     = 100 // bytes of a producer's own words in a Reason
)

// requestFields are the names of a request's fields.
var requestFields = [...]string{
	"id", "zone", "type", "method", "targets", "hosts", "account", "time", "expires", "prefetch", "labels",
}

// once refuses a field that came before.
func (d *decoder) once(name []byte) {
	for i, field := range requestFields {
		if string(name) == field {
			if d.seen&(1<<i) != 0 {
				d.twice(field)
			}
			d.seen |= 1 << i
			return
		}
	}
}

// field reads the value of one field of a request.
func (d *decoder) field(name []byte) {
	d.once(name)
	r := &d.request
	switch string(name) {
	case "id":
		r.ID = d.word("id")
	case "zone":
		r.Zone = d.word("zone")
	case "type":
		r.Type, d.typed = d.purgeType(), true
	case "method":
		r.Method = d.method()
	case "targets":
		r.Targets = d.words("targets")
	case "hosts":
		r.Hosts = d.words("hosts")
	case "account":
		r.Account = d.word("account")
	case "time":
		r.Time = d.time("time")
	case "expires":
		r.Expires = d.time("expires")
	case "prefetch":
		r.Prefetch = d.flag("prefetch")
	case "labels":
		r.Labels = d.labels()
	default:
		d.skip()
		if d.reason == nil {
			d.fault(CodeUnknownField, clip(name),
				strconv.Quote(clip(name))+" is not a field of a request; names are exact, also in upper and lower case")
		}
	}
}

// word reads a string.
func (d *decoder) word(field string) string {
	if d.literal("null") {
		return ""
	}
	text, ok := d.text()
	if !ok {
		d.malformed(field, "must be a string")
	}
	return string(text)
}

func (d *decoder) purgeType() Type {
	if d.literal("null") {
		return URL
	}
	if text, ok := d.text(); ok {
		switch string(text) {
		case "", "url", "purge_url":
			return URL
		case "prefix", "purge_prefix":
			return Prefix
		case "host", "purge_host":
			return Host
		case "tag", "purge_cache_tag":
			return Tag
		case "all", "purge_all":
			return All
		}
	}
	d.malformed("type", typeFault)
	return ""
}

const typeFault = "must be url, prefix, host, tag or all"

func (d *decoder) method() Method {
	if d.literal("null") {
		return ""
	}
	if text, ok := d.text(); ok {
		switch Method(text) {
		case "":
			return ""
		case Invalidate:
			return Invalidate
		case Delete:
			return Delete
		}
	}
	d.malformed("method", methodFault)
	return ""
}

const methodFault = "must be invalidate or delete"

// words reads a list of strings.
func (d *decoder) words(field string) []string {
	if d.literal("null") {
		return nil
	}
	if d.next() != '[' {
		d.malformed(field, "must be a list of strings")
	}
	var list []string
	for i := range d.elements() {
		text, ok := d.text()
		if ok {
			list = append(list, string(text))
		} else if d.reason == nil {
			d.malformed(element(field, i), "must be a string")
		}
	}
	return list
}

// time reads an RFC 3339 time. A field that is there never gives the zero value, which means that it is absent: for the
// first instant of year 1, which has that value, it gives the next nanosecond.
func (d *decoder) time(field string) time.Time {
	if d.literal("null") {
		return time.Time{}
	}
	text, _ := d.text()
	var t time.Time
	err := t.UnmarshalText(text)
	t = t.UTC()
	if err != nil || !isRFC3339(text) || t.Year() < 1 || t.Year() > 9999 {
		d.malformed(field, timeFault)
		return time.Time{}
	}
	if t.IsZero() {
		return t.Add(time.Nanosecond)
	}
	return t
}

const timeFault = "must be a time as in RFC 3339, such as 2026-11-22T10:00:00Z"

// isRFC3339 refuses what package time takes beyond RFC 3339 (https://go.dev/issue/54580): an hour of one digit, a comma
// before the fraction, and an offset of a day or more, or of more minutes than an hour has.
func isRFC3339(text []byte) bool {
	const hour, fraction, offset = len("2006-01-02T1"), len("2006-01-02T15:04:05"), len("+07:00")
	if text[hour] == ':' || text[fraction] == ',' {
		return false
	}
	if text[len(text)-1] == 'Z' {
		return true
	}
	zone := string(text[len(text)-offset:])
	return zone[1:3] <= "23" && zone[4:] <= "59"
}

func (d *decoder) flag(field string) bool {
	if d.literal("true") {
		return true
	}
	if !d.literal("false") && !d.literal("null") {
		d.skip()
		d.malformed(field, "must be true or false")
	}
	return false
}

// labels reads an object of strings, and leaves out what is beyond the limits.
func (d *decoder) labels() map[string]string {
	if d.literal("null") {
		return nil
	}
	if d.next() != '{' {
		d.malformed("labels", "must be an object of strings")
	}
	var labels map[string]string
	for name := range d.members() {
		value, ok := d.text()
		if _, known := labels[string(name)]; known {
			d.twice("labels." + clip(name))
		}
		switch {
		case !ok:
			d.malformed("labels."+clip(name), "must be a string")
		case len(name) > maxLabelKey || len(value) > maxLabelValue:
			d.malformed("labels."+clip(name), labelFault)
		case len(labels) == MaxLabels:
			d.malformed("labels", labelsFault)
		default:
			if labels == nil {
				labels = make(map[string]string)
			}
			labels[string(name)] = string(value)
		}
	}
	return labels
}

const (
	labelFault  = "is too long: keys have up to 64 bytes, values up to 256"
	labelsFault = "has more than 16 labels"
)

func element(field string, i int) string {
	return field + "[" + strconv.Itoa(i) + "]"
}

// clip keeps a name from filling the Reason that quotes it.
func clip(name []byte) string {
	if len(name) > maxQuoted {
		return strings.ToValidUTF8(string(name[:maxQuoted]), "") + "…"
	}
	return string(name)
}
