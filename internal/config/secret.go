package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

const (
	mask = "***"

	// maxSecretFile is far above any key or session token, and keeps a wrong path (a device, a log) from filling memory.
	maxSecretFile = 64 << 10
)

// Secret is a value that shows itself only by conversion: string(s). Every way of formatting or encoding it gives ***,
// and the empty Secret stays empty, so that one sees whether it is set (I6).
type Secret string

// String returns ***, or nothing for the empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString is String, quoted.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format writes String whatever the verb: fmt shows the bare value for verbs that a string doesn't have.
func (s Secret) Format(f fmt.State, verb rune) { formatMasked(f, verb, s.String()) }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is String as JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML is String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// ServerURL is a list of server addresses that may carry a user and a password. Formatted or encoded, what stands
// before an @ is ***; string(u) is the real one.
type ServerURL string

// String returns the addresses without user and password.
func (u ServerURL) String() string {
	s := string(u)
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	// A password may hold a comma or a slash, so all that stands before the last @ goes, but for the first scheme.
	scheme, _, _ := strings.Cut(s[:at], "://")
	if !slices.Contains(serverSchemes, scheme) {
		return mask + s[at:]
	}
	return scheme + "://" + mask + s[at:]
}

// GoString is String, quoted.
func (u ServerURL) GoString() string { return fmt.Sprintf("%q", u.String()) }

// Format writes String whatever the verb.
func (u ServerURL) Format(f fmt.State, verb rune) { formatMasked(f, verb, u.String()) }

// MarshalText is String; JSON and YAML follow it.
func (u ServerURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

func formatMasked(f fmt.State, verb rune, masked string) {
	format := "%s"
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		format = "%q"
	}
	_, _ = fmt.Fprintf(f, format, masked)
}

// ReadSecret reads a secret from the file at path, without the white space around it. A file that is empty or larger
// than 64 KiB is an error. Errors name neither the content nor the path, which may be a secret under the wrong key.
func ReadSecret(path string) (Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open secret file: %w", bare(err))
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("read secret file: %w", bare(err))
	}
	if len(content) > maxSecretFile {
		return "", errors.New("read secret file: larger than 64 KiB")
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return "", errors.New("read secret file: empty")
	}
	return Secret(text), nil
}

// bare takes the path out of an error of package os.
func bare(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
