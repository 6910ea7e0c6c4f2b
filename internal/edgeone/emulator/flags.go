package emulator

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParseFaults reads the values of repeated --fault flags, each KIND=SHARE with a share from 0 to 1. Kinds whose
// share is of all calls: error5xx, timeout, reset, lost-answer, html, empty, throttle, slow; of jobs: unseen; of
// rows: task-failed, task-timeout. All faults of form are told at once.
func ParseFaults(values []string) (map[string]float64, error) {
	shares := make(map[string]float64, len(values))
	var faults []error
	for _, v := range values {
		kind, text, err := splitPair("--fault", "KIND=SHARE", v)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		share, err := strconv.ParseFloat(text, 64)
		if err != nil {
			faults = append(faults, fmt.Errorf("--fault %s: %q is no number", v, text))
			continue
		}
		if _, again := shares[kind]; again {
			faults = append(faults, fmt.Errorf("--fault %s: %s is given twice", v, kind))
			continue
		}
		shares[kind] = share
	}
	if faults = append(faults, checkFaults(shares)...); len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return shares, nil
}

// ParseUnknown reads the values of repeated --unknown flags, each NAME=VALUE. The names and, first, their
// defaults: foreign-host=error|failedlist, rows=per-target|per-job, echo=exact|canonical, daily=all|part,
// refund=yes|no, offset=rows|pages (of 2022-01-06), visible-after=DURATION (0s). All faults of form are told at once.
func ParseUnknown(values []string) (map[string]string, error) {
	choices := make(map[string]string, len(values))
	var faults []error
	for _, v := range values {
		name, value, err := splitPair("--unknown", "NAME=VALUE", v)
		if err == nil {
			err = checkUnknown(name, value)
		}
		if _, again := choices[name]; again && err == nil {
			err = fmt.Errorf("--unknown %s: %s is given twice", v, name)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		choices[name] = value
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return choices, nil
}

// ParseZones reads the values of repeated --zone flags, each ID=HOST,HOST…; a repeated id adds hosts. All faults
// of form are told at once.
func ParseZones(values []string) (map[string][]string, error) {
	hosts := make(map[string][]string, len(values))
	var faults []error
	for _, v := range values {
		id, list, err := splitPair("--zone", "ID=HOST,…", v)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		named := strings.Split(list, ",")
		if err := checkZone(id, named); err != nil {
			faults = append(faults, err)
			continue
		}
		hosts[id] = append(hosts[id], named...)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return hosts, nil
}

func splitPair(flag, form, v string) (name, value string, err error) {
	name, value, ok := strings.Cut(v, "=")
	if !ok || name == "" || value == "" {
		return "", "", fmt.Errorf("%s %q: want %s", flag, v, form)
	}
	return name, value, nil
}
