package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Load returns the configuration that the file at path and the variables of environ (in the form of os.Environ) make
// together, checked. Without a path the variable EDGEPURGE_CONFIG names the file, without that there is none; a file
// that is named must be there. Files named by …_file keys are read, their content trimmed; those of NATS are only looked at.
//
// Warnings are for people: variables with our prefix that nobody reads, with the nearest known name. The error is nil
// or [Faults] with all that is wrong; the configuration is then of no use. No secret is shown in either.
func Load(path string, environ []string) (Config, []string, error) {
	vars := env.ToMap(environ)
	l := loader{cfg: Default(), fields: fields()}
	l.checker = checker{origin: map[string]string{}, doubtful: map[string]bool{}}
	if path == "" {
		path = vars[FileVariable]
	}
	if path != "" {
		l.file(readFile(path, l.fields))
	}
	shared, own := fromEnvironment(vars, l.fields)
	l.layer(shared)
	l.layer(own)
	l.secretFiles()
	if e := &l.cfg.EdgeOne; e.Version == regionalVersion && e.Region == "" {
		e.Region = defaultRegion
	}
	l.check(l.cfg)
	l.natsFiles()
	warnings := strangers(vars, l.fields)
	if err := l.faults.err(); err != nil {
		return Config{}, warnings, err
	}
	return l.cfg, warnings, nil
}

type loader struct {
	checker
	cfg    Config
	fields []field
}

func (l *loader) file(file content) {
	l.faults = append(l.faults, file.faults...)
	for _, path := range file.bad {
		l.doubtful[path] = true
	}
	if file.broken {
		// What the file gives is unknown, so only what variables give later can be judged.
		for _, f := range l.fields {
			l.doubtful[f.Path] = true
		}
	}
	l.layer(file.assignments)
	l.faults.byLine()
}

// layer puts assignments of equal rank over what is there. A value and the file that holds it are one setting: one of
// them in a stronger layer takes the other's place, both in the same layer are a fault.
func (l *loader) layer(assignments []assignment) {
	given := map[string]bool{}
	for _, a := range assignments {
		given[a.field.Path] = a.text != ""
		l.set(a)
	}
	for _, pair := range l.pairs() {
		value, file := pair[0], pair[1]
		switch {
		case given[value.Path] && given[file.Path]:
			l.fault(file.Path, value.Path+" is given too; keep one of them")
			l.doubtful[value.Path], l.doubtful[file.Path] = true, true
		case given[value.Path]:
			l.clear(file)
		case given[file.Path]:
			l.clear(value)
		}
	}
}

func (l *loader) clear(f field) {
	f.of(&l.cfg).SetZero()
	delete(l.origin, f.Path)
	delete(l.doubtful, f.Path)
}

func (l *loader) set(a assignment) {
	l.origin[a.field.Path] = a.where
	delete(l.doubtful, a.field.Path)
	target := a.field.of(&l.cfg)
	switch {
	case a.zones != nil:
		target.Set(reflect.ValueOf(a.zones))
	case a.text == "" && target.Kind() == reflect.String:
		target.SetZero()
	case a.text == "" || l.parse(a) != nil:
		l.faults = append(l.faults, Fault{
			Where:   a.where,
			Line:    a.line,
			Key:     a.field.Path,
			Message: complaint(a.field.kind, a.text),
		})
		l.doubtful[a.field.Path] = true
	}
}

// parse reads the text of one key. One at a time: the library's errors tell neither variable nor key.
func (l *loader) parse(a assignment) error {
	return env.ParseWithOptions(&l.cfg, env.Options{
		Prefix:      variablePrefix,
		Environment: map[string]string{a.field.variable(): a.text},
	})
}

// pairs returns the fields that can be given in a file of their own, each with the field that names the file.
func (l *loader) pairs() [][2]field {
	byPath := map[string]field{}
	for _, f := range l.fields {
		byPath[f.Path] = f
	}
	var pairs [][2]field
	for _, f := range l.fields {
		if value, found := strings.CutSuffix(f.Path, "_file"); found {
			pairs = append(pairs, [2]field{byPath[value], f})
		}
	}
	return pairs
}

// natsFiles looks whether the files that are named can be read. Who connects reads them again.
func (l *loader) natsFiles() {
	for _, f := range l.cfg.NATS.files() {
		if f.path == "" || !l.sound(f.key) {
			continue
		}
		if _, err := os.ReadFile(f.path); err != nil {
			l.fault(f.key, fmt.Sprintf("open %s: %v; name a file that can be read", shownPath(f.path), bare(err)))
		}
	}
}

// pathForm is what is a path for certain: a seed or a token begins otherwise, and base64 has + and = in it.
var pathForm = regexp.MustCompile(`^(\.{0,2}|~)/[\w./~-]*$`)

// shownPath is a path, unless it may be the secret that the file was meant to hold (I6).
func shownPath(path string) string {
	if pathForm.MatchString(path) {
		return path
	}
	return "file"
}

// secretFiles reads the files that are named into the values that they hold.
func (l *loader) secretFiles() {
	for _, pair := range l.pairs() {
		value, file := pair[0], pair[1]
		path := file.of(&l.cfg).String()
		if path == "" || l.doubtful[file.Path] {
			continue
		}
		secret, err := ReadSecret(path)
		if err != nil {
			l.fault(file.Path, fmt.Sprintf("%v; name a file that holds %s and nothing else", err, value.Path))
			l.doubtful[value.Path] = true
			continue
		}
		value.of(&l.cfg).SetString(string(secret))
		l.origin[value.Path] = l.origin[file.Path]
	}
}
