package config

import "reflect"

// Change is one key whose value differs between two configurations. Secrets are masked: where one changes, Old and New
// may look the same (I6).
type Change struct {
	Key      string
	Old, New string // as one would write them
	Live     bool   // a running worker takes it; else it counts from the next start on
}

// Changes returns what differs in another configuration, in the order of config.example.yaml.
func (c Config) Changes(other Config) []Change {
	var all []Change
	for _, f := range fields() {
		before, after := f.of(&c), f.of(&other)
		if same(before, after) {
			continue
		}
		change := Change{Key: f.Path, Old: format(before), New: format(after), Live: f.Live}
		if f.Path == "edgeone.secret_id" { // no secret, but half of one, and of no use in a log
			change.Old, change.New = Secret(change.Old).String(), Secret(change.New).String()
		}
		all = append(all, change)
	}
	return all
}

// same takes an empty map for none.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Map && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// Adopt returns the configuration with those keys of another that a running worker can change.
func (c Config) Adopt(other Config) Config {
	for _, f := range fields() {
		if f.Live {
			f.of(&c).Set(f.of(&other))
		}
	}
	return c
}
