package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// words is the text of an error for people: what libraries of Go say of a network, a name, a number or a time is put
// into plain words, wherever in the error it stands.
func words(err error) string {
	text := err.Error()
	for _, part := range parts(err) {
		if plain, ok := plainWords(part); ok {
			text = strings.ReplaceAll(text, part.Error(), plain)
		}
	}
	return text
}

// parts are an error and all that it is made of, the outer ones first.
func parts(err error) []error {
	all := []error{err}
	switch e := err.(type) { //nolint:errorlint // this is what walks the tree
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			all = append(all, parts(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, parts(inner)...)
		}
	}
	return all
}

// plainWords puts one error into words; false where that has good ones.
func plainWords(err error) (string, bool) {
	switch e := err.(type) { //nolint:errorlint // parts has taken the error apart
	case *url.Error:
		return words(e.Err), true
	case *net.OpError:
		return connectionWords(e), true
	case *net.DNSError:
		if e.IsNotFound {
			return "there is no host " + strconv.Quote(e.Name), true
		}
		return "the name " + strconv.Quote(e.Name) + " can't be looked up now", true
	case *net.AddrError:
		return strconv.Quote(e.Addr) + " is no address", true
	case *strconv.NumError:
		return strconv.Quote(e.Num) + " is no number that can be used", true
	case *json.SyntaxError, *json.UnmarshalTypeError:
		return "it is not the JSON that was expected", true
	case *fs.PathError:
		return e.Path + ": " + e.Err.Error(), true
	case *os.SyscallError:
		return e.Err.Error(), true
	}
	switch err { //nolint:errorlint // as above
	case context.DeadlineExceeded:
		return "no answer in time", true
	case context.Canceled:
		return "interrupted", true
	}
	return brokerWords(err.Error())
}

// brokerWords puts what the client library of NATS says into words.
func brokerWords(text string) (string, bool) {
	own, ok := strings.CutPrefix(text, "nats: ")
	if !ok {
		return "", false
	}
	if _, description, ok := strings.Cut(own, " description="); ok && strings.HasPrefix(own, "API error:") {
		return description, true
	}
	switch own {
	case "Authorization Violation", "authorization violation":
		return "the server refuses these credentials", true
	case "timeout":
		return "no answer in time", true
	case "no servers available for connection":
		return "no server answers", true
	case "no responders available for request":
		return "nobody there takes it", true
	}
	return own, true
}

// connectionWords says what happened to a connection, or to an address to listen on.
func connectionWords(e *net.OpError) string {
	address := "the peer"
	if e.Addr != nil {
		address = e.Addr.String()
	}
	dns, isDNS := errors.AsType[*net.DNSError](e.Err)
	switch {
	case isDNS:
		return words(dns)
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return address + " is taken: another program listens there"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return address + " is no address of this machine"
	case e.Op == "listen" && errors.Is(e.Err, syscall.EACCES):
		return "this user may not listen on " + address
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "nobody listens on " + address
	case errors.Is(e.Err, syscall.EHOSTUNREACH), errors.Is(e.Err, syscall.ENETUNREACH):
		return address + " can't be reached"
	case e.Timeout():
		return address + " does not answer"
	case e.Op == "listen":
		return fmt.Sprintf("can't listen on %s: %s", address, words(e.Err))
	}
	return fmt.Sprintf("the connection to %s broke: %s", address, words(e.Err))
}

// flagError is the refusal of a flag, in words for people.
func flagError(cmd *cobra.Command, err error) error {
	see := "; see " + cmd.CommandPath() + " --help"
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return usage("%s %q%s%s", flagName(bad.GetFlag()), bad.GetValue(), valueForm(bad), see)
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if name := unknown.GetSpecifiedName(); cmd.Name() == "status" && name == "source" {
			return usage("%w; write the source before the id, as in edgepurge status ghost/post-4711-r3", err)
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest(unknown.GetSpecifiedName(), names); near != "" && len(unknown.GetSpecifiedName()) > 1 {
			return usage("%w; did you mean --%s?%s", err, near, strings.Replace(see, ";", "", 1))
		}
	}
	if lacks, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usage("%s needs a value%s", flagName(lacks.GetFlag()), see)
	}
	return usage("%w%s", err, see)
}

func flagName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand + ", --" + f.Name
	}
	return "--" + f.Name
}

// valueForm says what a flag takes.
func valueForm(bad *pflag.InvalidValueError) string {
	switch bad.GetFlag().Value.Type() {
	case "int", "uint", "int64", "uint64":
		return ": write a whole number"
	case "float64":
		return ": write a number"
	case "duration":
		return ": write a duration such as 500ms, 30s or 10m"
	case "bool":
		return ": write true or false"
	}
	if cause := bad.Unwrap(); cause != nil {
		return ": " + words(cause)
	}
	return " can't be used"
}

// nearest is the name that another is most likely a slip of, empty where there is none.
func nearest(name string, known []string) string {
	for i := range len(name) - 1 { // two letters that have changed places, which the library takes for two slips
		swapped := name[:i] + name[i+1:i+2] + name[i:i+1] + name[i+2:]
		if slices.Contains(known, swapped) {
			return swapped
		}
	}
	// The library compares names of commands.
	names := &cobra.Command{SuggestionsMinimumDistance: max(1, min(2, len(name)/3))}
	for _, k := range known {
		names.AddCommand(&cobra.Command{Use: k, Run: func(*cobra.Command, []string) {}})
	}
	for _, near := range names.SuggestionsFor(name) {
		return near
	}
	return ""
}
