package edgeone

import "github.com/edgepurge/edgepurge/purge"

// typeNames has EdgeOne's name of each type. Both versions of the API use the same names.
var typeNames = map[purge.Type]string{
	purge.URL:    "purge_url",
	purge.Prefix: "purge_prefix",
	purge.Host:   "purge_host",
	purge.Tag:    "purge_cache_tag",
	purge.All:    "purge_all",
}

// TypeName returns EdgeOne's name of a type, which the API, the log and the command line use. A type
// that package purge does not have is returned as it is, and so is the empty type.
func TypeName(t purge.Type) string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return string(t)
}

// typeNamed is the reverse of TypeName, for the types in the API's answers.
func typeNamed(name string) purge.Type {
	for t, n := range typeNames {
		if n == name {
			return t
		}
	}
	return purge.Type(name)
}
