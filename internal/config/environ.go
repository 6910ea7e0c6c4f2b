package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// serviceName matches what the kubelet sets in every container for a Service named edgepurge or edgepurge-*.
	serviceName = regexp.MustCompile(`^EDGEPURGE(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|` +
		`PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$|^EDGEPURGE_PORT$`)

	// servicePort is the one name that a person may mean for something else (EDGEPURGE_HTTP_PORT), so its value, an
	// address with a protocol, is looked at too.
	servicePort  = regexp.MustCompile(`^EDGEPURGE_[A-Z0-9_]+_PORT$`)
	serviceValue = regexp.MustCompile(`^(tcp|udp|sctp)://`)

	variableForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,80}$`)
)

// otherVariables returns the names below our prefix that are known without being keys: the file, and what the library
// of the command line reads for completion.
func otherVariables() []string {
	return []string{FileVariable, variablePrefix + "ACTIVE_HELP", variablePrefix + "COMPLETION_DESCRIPTIONS"}
}

// fromEnvironment returns what variables say: those that others share, then our own, which beat them. A variable that
// is set but empty counts as not set, but where the field says so.
func fromEnvironment(vars map[string]string, known []field) (shared, own []assignment) {
	for _, f := range known {
		for i, name := range f.Variables {
			text, found := vars[name]
			if f.Type != "secret" {
				text = strings.TrimSpace(text)
			}
			if !found || text == "" && (!f.blank || i > 0) {
				continue
			}
			set := assignment{field: f, text: text, where: name}
			if i == 0 {
				own = append(own, set)
			} else {
				shared = append(shared, set)
			}
		}
	}
	return shared, own
}

// strangers returns a warning for every variable with our prefix that nobody reads, sorted. Values are never shown.
func strangers(vars map[string]string, known []field) []string {
	names := otherVariables()
	for _, f := range known {
		names = append(names, f.variable())
	}
	var warnings []string
	for name, value := range vars {
		if !strings.HasPrefix(name, variablePrefix) || slices.Contains(names, name) || ofService(name, value) {
			continue
		}
		shown := name
		if !variableForm.MatchString(name) {
			shown = strconv.QuoteToASCII(name[:min(len(name), 80)])
		}
		warnings = append(warnings, shown+": unknown variable, ignored"+suggestion(name, names, "_"))
	}
	slices.Sort(warnings)
	return warnings
}

func ofService(name, value string) bool {
	return serviceName.MatchString(name) || servicePort.MatchString(name) && serviceValue.MatchString(value)
}
