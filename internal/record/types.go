package record

import "github.com/edgepurge/edgepurge/purge"

// typeNames has the stored name of each type: the names that EdgeOne had for them when this form was
// frozen.
var typeNames = map[purge.Type]string{
	purge.URL:    "purge_url",
	purge.Prefix: "purge_prefix",
	purge.Host:   "purge_host",
	purge.Tag:    "purge_cache_tag",
	purge.All:    "purge_all",
}

// TypeName returns the name of a type in the heads of jobs and in the names of queues. A type that
// package purge does not have is returned as it is, and so is the empty type.
func TypeName(t purge.Type) string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return string(t)
}

// TypeNamed is the reverse of TypeName.
func TypeNamed(name string) purge.Type {
	for t, n := range typeNames {
		if n == name {
			return t
		}
	}
	return purge.Type(name)
}

// stored returns a copy of the head with the type as it is written.
func (h *Head) stored() Head {
	s := *h
	s.Type = purge.Type(TypeName(h.Type))
	return s
}
