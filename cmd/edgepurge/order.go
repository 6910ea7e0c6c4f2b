package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"

	"github.com/edgepurge/edgepurge/purge"
)

// maxName is the length of an order's name: with "-" and 16 digits it makes an id.
const maxName = 47

// order is what submit asks for: one request a target. The ids are made of its name and the target, so that the same name
// again does only what is missing.
type order struct {
	name    string // 1 to 47 of A-Za-z0-9_-, not beginning with _
	source  string
	lane    purge.Lane
	zone    string
	typ     purge.Type
	method  purge.Method
	targets []string // as written, none twice; one that is empty for the type all

	index map[uint64]int // of a target, by its hash; made when it is asked for
}

// hash names the request for a target. The API's name of a type and its short form make the same.
func (o *order) hash(target string) uint64 {
	h := sha256.New()
	for _, part := range []string{string(o.typ), o.zone, string(o.method), target} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// id is that of the request for a target.
func (o *order) id(target string) string {
	return o.name + "-" + hex.EncodeToString(binary.BigEndian.AppendUint64(nil, o.hash(target)))
}

// once drops the targets that are there already: equal lines are one request.
func (o *order) once() {
	seen := make(map[uint64]struct{}, len(o.targets))
	some := o.targets[:0]
	for _, t := range o.targets {
		h := o.hash(t)
		if _, ok := seen[h]; !ok {
			seen[h] = struct{}{}
			some = append(some, t)
		}
	}
	o.targets = some
}

// requests are made one by one: there may be hundreds of thousands.
func (o *order) requests() iter.Seq[purge.Request] {
	return func(yield func(purge.Request) bool) {
		for _, t := range o.targets {
			r := purge.Request{ID: o.id(t), Zone: o.zone, Type: o.typ, Method: o.method, Targets: []string{t}}
			if o.typ == purge.All {
				r.Targets = nil
			}
			if !yield(r) {
				return
			}
		}
	}
}

// target is what the request with an id is for: the target as written, or the zone whose everything is purged.
func (o *order) target(id string) string {
	if o.typ == purge.All {
		return o.zone
	}
	if o.index == nil {
		o.index = make(map[uint64]int, len(o.targets))
		for i, t := range o.targets {
			o.index[o.hash(t)] = i
		}
	}
	sum, err := hex.DecodeString(id[max(0, len(id)-16):])
	if err != nil || len(sum) != 8 {
		return ""
	}
	i, ok := o.index[binary.BigEndian.Uint64(sum)]
	if !ok {
		return ""
	}
	return o.targets[i]
}
