package purge

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Validate says before a request is sent what its receiver would refuse: an error is a *Reason, as Decode gives it for
// what Encode makes. It refuses two things more, as CodeMalformed: text that is not UTF-8, of which Encode would make
// something else, and the API's names of the types, which only messages have. Like Decode it checks every field but the
// form of the targets, which is for Canonical.
func (r Request) Validate() error {
	d := decoder{request: r}
	d.checkText()
	d.checkWords()
	d.checkTime("time", r.Time)
	d.checkTime("expires", r.Expires)
	d.checkLabels()
	if d.reason == nil {
		d.check()
	}
	if d.reason != nil {
		return d.reason
	}
	return nil
}

const notUTF8 = "is not UTF-8"

func (d *decoder) checkText() {
	for i, target := range d.request.Targets {
		if !utf8.ValidString(target) {
			d.malformed(element("targets", i), notUTF8)
		}
	}
	for i, host := range d.request.Hosts {
		if !utf8.ValidString(host) {
			d.malformed(element("hosts", i), notUTF8)
		}
	}
}

func (d *decoder) checkWords() {
	r := &d.request
	switch r.Type {
	case URL, Prefix, Host, Tag, All:
	case "":
		r.Type = URL
	default:
		d.malformed("type", typeFault)
	}
	switch r.Method {
	case "", Invalidate, Delete:
	default:
		d.malformed("method", methodFault)
	}
}

func (d *decoder) checkTime(field string, t time.Time) {
	if t.IsZero() {
		return
	}
	year := t.UTC().Year()
	if _, err := t.MarshalText(); err != nil || year < 1 || year > 9999 {
		d.malformed(field, timeFault)
	}
}

func (d *decoder) checkLabels() {
	labels := d.request.Labels
	if len(labels) > MaxLabels {
		d.malformed("labels", labelsFault)
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		value, name := labels[key], "labels."+strings.ToValidUTF8(clip([]byte(key)), "?")
		switch {
		case !utf8.ValidString(key) || !utf8.ValidString(value):
			d.malformed(name, notUTF8)
		case len(key) > maxLabelKey || len(value) > maxLabelValue:
			d.malformed(name, labelFault)
		}
	}
}
