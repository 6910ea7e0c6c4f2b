package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// variablePrefix begins every variable of our own.
const variablePrefix = "EDGEPURGE_"

// FileVariable names the file when no path is given.
const FileVariable = variablePrefix + "CONFIG"

// Key describes one key of the configuration.
type Key struct {
	Path      string   // as in the file, such as tracker.poll_min
	Variables []string // that set it, the strongest first
	Type      string   // text, secret, address, number, whole number, duration, size or zones
	Default   string   // as one would write it; empty: none
	Live      bool     // a running worker takes a change, see [Config.Adopt]
}

// Reference returns every key, in the order of config.example.yaml.
func Reference() []Key {
	all := fields()
	keys := make([]Key, 0, len(all))
	for _, f := range all {
		keys = append(keys, f.Key)
	}
	return keys
}

// field is a key and where it stands in Config.
type field struct {
	Key
	index []int
	kind  reflect.Type
	blank bool // an empty variable counts
}

func (f field) variable() string { return f.Variables[0] }

func (f field) of(cfg *Config) reflect.Value {
	return reflect.ValueOf(cfg).Elem().FieldByIndex(f.index)
}

func fields() []field {
	return appendFields(nil, reflect.ValueOf(Default()), "", variablePrefix, nil)
}

func appendFields(all []field, section reflect.Value, path, prefix string, index []int) []field {
	for i := range section.NumField() {
		tag := section.Type().Field(i)
		key := path + tag.Tag.Get("yaml")
		at := append(append([]int{}, index...), i)
		if tag.Type.Kind() == reflect.Struct {
			all = appendFields(all, section.Field(i), key+".", prefix+tag.Tag.Get("envPrefix"), at)
			continue
		}
		f := field{index: at, kind: tag.Type, blank: tag.Tag.Get("blank") != ""}
		f.Key = Key{
			Path:      key,
			Variables: []string{prefix + tag.Tag.Get("env")},
			Type:      typeName(tag.Type),
			Default:   format(section.Field(i)),
			Live:      tag.Tag.Get("live") != "",
		}
		if alias := tag.Tag.Get("alias"); alias != "" {
			f.Variables = append(f.Variables, alias)
		}
		all = append(all, f)
	}
	return all
}

func typeName(kind reflect.Type) string {
	switch kind {
	case reflect.TypeFor[Secret]():
		return "secret"
	case reflect.TypeFor[ServerURL]():
		return "address"
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[Zones]():
		return "zones"
	case reflect.TypeFor[int]():
		return "whole number"
	case reflect.TypeFor[float64]():
		return "number"
	case reflect.TypeFor[bool]():
		return "switch"
	default:
		return "text"
	}
}

// format writes a value as one would write it in a variable, secrets masked.
func format(value reflect.Value) string {
	if d, ok := reflect.TypeAssert[time.Duration](value); ok {
		return shortDuration(d)
	}
	return fmt.Sprint(value.Interface())
}

// shortDuration is d.String() without the units that are zero at its end: 4h, not 4h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// complaint says why text is no value of kind. Called only for texts that were refused.
func complaint(kind reflect.Type, text string) string {
	if text == "" {
		return "is empty; write a " + typeName(kind) + ", or leave it out for the default"
	}
	switch kind {
	case reflect.TypeFor[time.Duration]():
		if strings.Trim(text, "+-.0123456789") == "" {
			return show(text) + " is a duration without a unit; add s, m or h"
		}
		return show(text) + " is not a duration; write one such as 500ms, 30s, 10m or 4h"
	case reflect.TypeFor[Size]():
		_, err := parseSize(text)
		return fmt.Sprint(err)
	case reflect.TypeFor[Zones]():
		_, err := parseZones(text)
		return fmt.Sprint(err)
	case reflect.TypeFor[int]():
		if _, err := strconv.ParseInt(text, 10, 32); errors.Is(err, strconv.ErrRange) {
			return show(text) + " is far too large"
		}
		return show(text) + " is not a whole number; write digits only"
	case reflect.TypeFor[bool]():
		return show(text) + " is neither true nor false; write one of them"
	default:
		return show(text) + " is not a " + typeName(kind)
	}
}
