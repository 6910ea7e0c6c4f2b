package edgepurge_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/tree"
)

// policy says who may import whom. It is a decision, not a record of what happens to be: do not
// change this to fix the build. Where an edge is refused, the code most likely stands in the wrong
// package, or asks for a type where an interface of its own would do.
//
// It speaks of the imports of files that are not tests.
const policy = `
# A package may import packages of lower floors, and none of its own floor but for the edges that are written here:
# "a < b" lets b import a.

floor 0: what all others speak of
	internal/canonical
	internal/canonical < purge
	internal/canonical < internal/record
	purge
	purge < internal/record
	# The client of the API speaks of types as all others do, and has EdgeOne's names for them on the wire alone.
	purge < internal/edgeone
	internal/edgeone/v20220901
	internal/edgeone/v20220901 < internal/edgeone
	internal/edgeone/v20220106
	internal/edgeone/v20220106 < internal/edgeone
	internal/edgeone/emulator
	internal/nasty
	internal/natstest
	internal/tree
	internal/trouble
	internal/wait
	internal/wait < internal/duequeue

floor 1: one idea each
	batcher
	internal/credentials
	internal/inflight
	internal/limiter
	internal/quota
	internal/zone
	internal/zonewait
	# For programs of others. It stands so low that it can't show them anything but the vocabulary.
	client

floor 2: what is durable, and what follows from time
	internal/adopt
	internal/broker
	internal/deadletter
	internal/inbox
	internal/ledger
	internal/parking
	internal/quarantine
	tracker

floor 3: the pipeline, and what people touch
	internal/metrics
	internal/metrics < worker
	internal/metrics < internal/admin
	worker
	internal/config
	internal/admin
	internal/summary

floor 4: one EdgeOne account
	internal/account

floor 5: wiring
	internal/app

floor 6: what can be run
	internal/demo
	internal/demo < cmd/edgepurge
	e2e
	e2e/kit
	e2e/torture
	e2e/kit < e2e/torture
	e2e/bench
	e2e/kit < e2e/bench
	e2e/evil

# Of a lower floor, and yet not for everyone. The emulator shares no code with what it judges, not even the vocabulary,
# and is no part of the product; nor are the corpus of nasty messages, the servers of tests and the reader of this tree,
# which only tests use. What is stored between steps is nobody's business below floor 2. Ledger, tracker and worker
# declare what they need of the broker as interfaces.

only
	internal/edgeone/v20220901: internal/edgeone
	internal/edgeone/v20220106: internal/edgeone
	internal/edgeone/emulator: 6+
	internal/nasty: e2e
	internal/natstest: e2e
	internal/tree: e2e
	internal/edgeone: internal/zone internal/quota internal/metrics tracker internal/adopt worker internal/account
	internal/broker: 5+
	internal/record: 2+
	# It follows targets until they stand in a record, and gives what is stored of them.
	internal/record: internal/inflight
	# Rules have one door, package purge, but for what records remember of them.
	internal/canonical: purge internal/record worker
	internal/limiter: internal/account
	internal/inflight: worker
	internal/ledger: worker internal/account internal/app
	internal/credentials: 4+
	internal/adopt: worker
	internal/deadletter: worker
	internal/inbox: worker internal/account internal/app
	internal/parking: worker
	internal/quarantine: worker
	internal/quota: internal/parking worker
	internal/zonewait: worker
	internal/config: 4+

# What comes from outside, and who may import it; "2+" is every package from floor 2 up. What is not named here is not
# imported by anyone.

only
	golang.org/x/net/idna: internal/canonical
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common: internal/edgeone internal/edgeone/v20220901
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common: internal/edgeone/v20220106
	# Its type of credentials goes from who finds them to who signs with them.
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common: internal/credentials internal/account internal/app internal/demo
	github.com/nats-io/nats.go: internal/broker client
	# Torture and bench look at the streams from outside.
	github.com/nats-io/nats.go: e2e/torture e2e/bench
	github.com/synadia-io/orbit.go/natscontext: internal/broker
	github.com/nats-io/nats-server/v2: internal/demo internal/natstest
	github.com/nats-io/nuid: cmd/edgepurge
	github.com/cenkalti/backoff/v4: internal/ledger internal/zone worker
	golang.org/x/sync/errgroup: 2+
	go.uber.org/zap: batcher internal/limiter internal/quota internal/zone internal/trouble 2+ internal/edgeone/emulator
	github.com/prometheus/client_golang: 3+
	github.com/caarlos0/env/v11: internal/config
	go.yaml.in/yaml/v3: internal/config
	github.com/spf13/cobra: cmd/edgepurge
	github.com/spf13/pflag: cmd/edgepurge
	github.com/schollz/progressbar/v3: cmd/edgepurge
	golang.org/x/term: cmd/edgepurge

# What is pure stays so: no files, no network, no process; in the batcher no goroutine either.

without os io/fs os/exec os/signal path/filepath net net/http net/rpc syscall log log/slog unsafe
	internal/canonical purge internal/record batcher internal/limiter internal/inflight
without sync sync/atomic context math/rand math/rand/v2
	batcher internal/inflight
`

func TestImports_FollowThePolicy(t *testing.T) {
	t.Parallel()
	rules := tree.ParsePolicy(t, policy)
	all := tree.Imports(t)
	for _, pkg := range slices.Sorted(maps.Keys(all)) {
		if _, ok := rules.Floor[pkg]; !ok {
			t.Errorf("%s has no floor: decide where it stands, and say so in the policy", pkg)
			continue
		}
		for _, e := range all[pkg] {
			if why := rules.Refuses(pkg, e.Path); why != "" {
				t.Errorf("%s: %s -> %s: %s", e.Pos, pkg, e.Path, why)
			}
		}
	}
	for pkg := range rules.Floor {
		if all[pkg] == nil {
			t.Errorf("the policy names %s, which is not there", pkg)
		}
	}
}

func TestPolicy_RefusesWhatItShould(t *testing.T) {
	t.Parallel()
	rules := tree.ParsePolicy(t, policy)
	tests := []struct {
		pkg, imported, why string
		refused            bool
	}{
		{"worker", tree.Module + "/batcher", "downward", false},
		{"internal/app", tree.Module + "/internal/broker", "downward, and named", false},
		{"client", "github.com/nats-io/nats.go/jetstream", "a package of a module that it may import", false},
		{"internal/record", tree.Module + "/purge", "an edge that is written", false},
		{"cmd/edgepurge", tree.Module + "/internal/demo", "an edge that is written", false},
		{"internal/app", "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common", "named apart", false},
		{"cmd/edgepurge", "github.com/spf13/cobra/doc", "a package of a module that it may import", false},
		{"tracker", "golang.org/x/sync/errgroup", "by floor", false},
		{"worker", "sync", "the standard library", false},

		{"batcher", tree.Module + "/worker", "upward", true},
		{"tracker", tree.Module + "/internal/ledger", "beside", true},
		{"internal/edgeone/emulator", tree.Module + "/purge", "the emulator shares nothing", true},
		{"purge", tree.Module + "/internal/record", "the reverse of a written edge", true},
		{"worker", tree.Module + "/internal/edgeone/v20220901", "past the client", true},
		{"worker", tree.Module + "/internal/edgeone/emulator", "the emulator in the product", true},
		{"internal/demo", tree.Module + "/internal/natstest", "a test's server in the product", true},
		{"worker", tree.Module + "/internal/broker", "a type where an interface would do", true},
		{"cmd/edgepurge", tree.Module + "/internal/utils", "a package without a floor", true},
		{"worker", "github.com/nats-io/nats.go/jetstream", "past the broker", true},
		{"client", "go.uber.org/zap", "what programs of others would have to bring", true},
		{"client", tree.Module + "/internal/record", "an internal type in a public package", true},
		{"client", tree.Module + "/internal/broker", "upward", true},
		{"internal/demo", "github.com/nats-io/nats-server/v20", "another module of a like name", true},
		{"internal/app", "go.yaml.in/yaml/v3", "another's", true},
		{"purge", "go.uber.org/zap", "below the floor", true},
		{"worker", "github.com/stretchr/testify/require", "nobody's", true},
		{"batcher", "sync", "pure", true},
		{"purge", "net/http", "pure", true},
	}
	for _, tt := range tests {
		why := rules.Refuses(tt.pkg, tt.imported)
		if got := why != ""; got != tt.refused {
			t.Errorf("%s -> %s (%s): got refused %v %q, want %v", tt.pkg, tt.imported, tt.why, got, why, tt.refused)
		}
	}
}

// How long a file may be. A longer one holds two nouns, and wants to be two files.
const (
	maxLines     = 400
	maxTestLines = 600
)

func TestFiles_AreShort(t *testing.T) {
	t.Parallel()
	for _, name := range tree.Files(t, ".go") {
		limit := maxLines
		if strings.HasSuffix(name, "_test.go") {
			limit = maxTestLines
		}
		if got := bytes.Count(tree.Read(t, name), []byte("\n")); got > limit {
			t.Errorf("%s: got %d lines, want at most %d", name, got, limit)
		}
	}
}
