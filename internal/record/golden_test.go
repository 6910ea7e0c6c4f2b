package record_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// The stored forms are frozen: what a build wrote, the next one reads. Where a file of testdata no
// longer fits, the version must rise, and the old form must still be read.

func golden(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// goldenJob has every field of a job and of a share set somewhere.
func goldenJob() *record.Job {
	requested := time.Date(2026, 11, 22, 11, 0, 0, 0, time.FixedZone("", 3600))
	return &record.Job{
		Head: record.Head{
			Account: "main", Zone: "zone-3fkff38fyw8s", ID: "20ga521cpwch", Type: purge.Tag,
			Method: "delete", Hosts: []string{"a.test", "b.test"}, Rows: 3,
			Submitted: at(250), Created: at(1000),
		},
		Targets: []string{"blog", `"Größe" <1 & 2>`, "shop"},
		Shares: []record.Share{
			{
				Request: record.Request{
					Source: "ghost", ID: "post-4711-r3", Lane: purge.Interactive, Type: purge.Tag,
					Digest: "0123456789abcdef0123456789abcdef", Total: 4,
					Requested: requested, Received: at(100), Labels: map[string]string{"post": "4711", "größe": `"<&>"`},
				},
				Attempts:        1,
				Runs:            [][3]int{{0, 0, 2}, {0, 2, 1}},
				EarlierFailures: []record.Failure{{Index: 3, Target: "a,b", Code: purge.CodeInvalidTarget, Reason: "a comma", Field: "targets[3]"}},
			},
			{
				Request: record.Request{
					Source: "cms", ID: "_1763805600-7", Lane: purge.Bulk, Type: purge.Tag, Total: 9000,
				},
				Attempts: 2, Runs: [][3]int{{2, 8999, 1}}, MultiJob: true,
			},
		},
	}
}

func TestJob_HasItsGoldenForm(t *testing.T) {
	want := golden(t, "job.v1.golden")
	j := goldenJob()
	bodies := encoded(t, j, roomy)
	if len(bodies) != 1 {
		t.Fatalf("got %d parts, want 1", len(bodies))
	}
	if diff := cmp.Diff(string(want), string(bodies[0])); diff != "" {
		t.Errorf("stored form (-want +got):\n%s", diff)
	}
	got, err := record.DecodeJob(want)
	if err != nil {
		t.Fatal(err)
	}
	j.Version, j.Part, j.Parts = 1, 0, 1
	if diff := cmp.Diff(j, got); diff != "" {
		t.Errorf("decoded job (-want +got):\n%s", diff)
	}
	wantKeys := []record.Key{{Source: "ghost", ID: "post-4711-r3"}, {Source: "cms", ID: "_1763805600-7"}}
	var gotKeys []record.Key
	for k, err := range record.Keys(want) {
		if err != nil {
			t.Error(err)
		}
		gotKeys = append(gotKeys, k)
	}
	if diff := cmp.Diff(wantKeys, gotKeys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// The last version had EdgeOne's names of types in memory too, and wrote them as they were.
func TestHead_HasTheTypeNamesOfTheLastVersion(t *testing.T) {
	want := string(golden(t, "types.v1.golden"))
	var got strings.Builder
	var types []purge.Type
	for part := range strings.SplitSeq(strings.TrimSuffix(want, "\n\n"), "\n\n") {
		j, err := record.DecodeJob([]byte(part + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, j.Type)
		for _, body := range encoded(t, j, roomy) {
			got.WriteString(string(body) + "\n")
		}
		if data, err := j.EncodePart(); err != nil || string(data) != part+"\n" {
			t.Errorf("encode the part of type %s again: got %q, %v, want what was read", j.Type, data, err)
		}
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("stored form (-want +got):\n%s", diff)
	}
	wantTypes := []purge.Type{purge.URL, purge.Prefix, purge.Host, purge.Tag, purge.All, "prefetch_url", ""}
	if diff := cmp.Diff(wantTypes, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

// What is left of a job has one field more.
func TestJob_HasItsGoldenFormOnceMore(t *testing.T) {
	want := golden(t, "again.v1.golden")
	j := goldenJob()
	j.Due, j.From = at(5000), 17
	bodies := encoded(t, j, roomy)
	if diff := cmp.Diff(string(want), string(bodies[0])); diff != "" {
		t.Errorf("stored form (-want +got):\n%s", diff)
	}
	head, err := record.DecodeHead([]byte(strings.Split(string(want), "\n")[0]))
	if err != nil || !head.IsRetryPart() || !head.Due.Equal(at(5000)) {
		t.Errorf("got head %+v, %v, want it due", head, err)
	}
}

// goldenProgress is what is known of a request of nine targets in two jobs, one of them still open.
func goldenProgress() *record.Progress {
	p := record.NewProgress(goldenJob().Shares[0].Request)
	p.Request.Total = 9
	p.States = make([]byte, 3)
	p.Join(&record.Head{Zone: "zone-3fkff38fyw8s", ID: "20ga521cpwch", Submitted: at(250)}, 1)
	p.Join(&record.Head{Zone: "zone-2other", ID: "20ga521cpxyz", Submitted: at(500)}, 2)
	for _, index := range []int{0, 1, 4, 5, 6} {
		p.Succeed(index)
	}
	p.Fail(record.Failure{Index: 3, Target: "https://a.test/?x=1&y=<2>", Code: purge.CodeDeadline, Reason: "größer", Field: "targets[3]"})
	p.Fail(record.Failure{Index: 7, Target: "https://a.test/", Code: "InternalError"})
	p.Fail(record.Failure{Index: 8, Target: "https://b.test/", Code: "InternalError"})
	return p
}

func TestProgress_HasItsGoldenForm(t *testing.T) {
	tests := map[string]func(p *record.Progress){
		"progress.v1.golden.json":  func(*record.Progress) {},
		"exhausted.v1.golden.json": func(p *record.Progress) { p.Exhausted = true },
		"closed.v1.golden.json": func(p *record.Progress) {
			p.Succeed(2)
			p.Closed = true
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			want := golden(t, name)
			p := goldenProgress()
			change(p)
			data, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(data)); diff != "" {
				t.Errorf("stored form (-want +got):\n%s", diff)
			}
			got, err := record.DecodeProgress(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(p, got); diff != "" {
				t.Errorf("decoded progress (-want +got):\n%s", diff)
			}
		})
	}
}
